"""How fast the rule engine evaluates, against cql-execution on the same ELM, patients and definitions.

Both engines are measured inside their own process, warm, by CPU time, on all definitions of all policies for
every generated patient; reading JSON and starting up are left out on both sides. The best round of each
counts, so that other work on the machine counts little. Prints a ratio: the target is 10 for evaluation
alone. Our trace is measured too; the other engine keeps none.

Run: python -m bench.rule_evaluation [--patients 300] [--rounds 9]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from bench.report import figure
from cds_service.authoring.node_tools import run_tool
from tests.conformance.patients import PatientCase, generate
from tests.conformance.rules import Rules, evaluation_input, load_rules, pools_of, second_engine_request

WARM_UP = 2


def our_seconds(rules: Rules, cases: Sequence[PatientCase], rounds: int, trace: bool) -> list[float]:
    """CPU seconds of each round: every definition of every library for every patient."""
    inputs = [evaluation_input(case, rules, trace=trace) for case in cases]
    libraries = [(library, tuple(library.definitions)) for library in rules.evaluated()]
    seconds = []
    for round_number in range(-WARM_UP, rounds):
        start = time.process_time()
        for each in inputs:
            for library, names in libraries:
                evaluation = library.evaluate(each)
                for name in names:
                    evaluation.value(name)
        if round_number >= 0:
            seconds.append(time.process_time() - start)
    return seconds


def their_seconds(rules: Rules, cases: Sequence[PatientCase], rounds: int) -> list[float]:
    """CPU seconds of each round on cql-execution."""
    request = second_engine_request(cases, rules) | {"rounds": rounds, "warmUp": WARM_UP}
    seconds: list[float] = run_tool("execute.mjs", request)["seconds"]
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Rule evaluation against cql-execution")
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)

    rules = load_rules()
    pools = pools_of(rules)
    cases = [generate(number, pools) for number in range(options.patients)]
    definitions = sum(len(library.definitions) for library in rules.evaluated())
    print(f"{options.patients} patients, {definitions} definitions in {len(rules.evaluated())} libraries")

    theirs = min(their_seconds(rules, cases, options.rounds))
    for label, trace in (("without trace", False), ("with trace", True)):
        ours = min(our_seconds(rules, cases, options.rounds, trace))
        print(
            f"{label}: {1e6 * ours / options.patients:,.0f} microseconds per patient, "
            f"cql-execution {1e6 * theirs / options.patients:,.0f}"
        )
        print(figure(f"times as fast, {label}", theirs / ours, 1, at_least=None if trace else 10))


if __name__ == "__main__":
    main()
