"""`rules mutate`: break the rules on purpose, one small change at a time, and see what nobody notices."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cds_service.authoring.cases import CaseError
from cds_service.authoring.findings import REVIEWED
from cds_service.authoring.mutation_bench import Mutation, MutationBench
from cds_service.authoring.prepared_cases import quiet
from cds_service.authoring.rule_folder import RuleFolder, UnknownPolicyError
from cds_service.authoring.yaml_files import read_yaml
from cds_service.policies.errors import CatalogueError

ENOUGH = 95
"""Percent of the changes that the golden cases must notice."""

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class MutationReport:
    """What a run found. `reviewed` survived and are listed as equivalent; `idle` listings fit no change."""

    caught: int
    missed: tuple[Mutation, ...]
    reviewed: tuple[Mutation, ...]
    invalid: int
    idle: tuple[Key, ...]

    @property
    def percent(self) -> float:
        """The share of the changes, equivalent ones aside, that some golden case noticed."""
        counted = self.caught + len(self.missed)
        return 100 * self.caught / counted if counted else 100.0


def key(mutation: Mutation) -> Key:
    """How a change is listed as equivalent: file, definition and words; its line may move."""
    return (mutation.file, mutation.definition, mutation.words)


def reviewed_equivalents(directory: Path) -> frozenset[Key]:
    """The changes listed in equivalent_mutations.yaml. Raises ValueError when it cannot be read."""
    file = directory / REVIEWED
    if not file.exists():
        return frozenset()
    listed = read_yaml(file)["equivalent"] or ()
    return frozenset((each["file"], each["definition"], each["change"]) for each in listed)


def run_mutations(
    bench: MutationBench, mutations: Iterable[Mutation], reviewed: frozenset[Key]
) -> MutationReport:
    """Try every change on the golden cases that it may concern."""
    caught = invalid = 0
    missed: list[Mutation] = []
    equivalent: list[Mutation] = []
    with quiet():
        for mutation in mutations:
            noticed = bench.caught_by(mutation)
            if noticed:
                caught += 1
            elif noticed is not None:
                invalid += 1
            elif key(mutation) in reviewed:
                equivalent.append(mutation)
            else:
                missed.append(mutation)
    return MutationReport(caught, tuple(missed), tuple(equivalent), invalid, ())


def sample_of(mutations: Sequence[Mutation], size: int | None, seed: int) -> list[Mutation]:
    """All changes, or a random choice that is the same for the same seed, in their order."""
    if size is None or size >= len(mutations):
        return list(mutations)
    chosen = random.Random(seed).sample(range(len(mutations)), size)  # noqa: S311 - no secret
    return [mutations[place] for place in sorted(chosen)]


def write_report(report: MutationReport, out: TextIO) -> None:
    """The changes that nobody noticed, then the figures."""
    for mutation in report.missed:
        out.write(f"NOT CAUGHT {mutation}\n")
    for file, definition, words in report.idle:
        out.write(f"LISTED IN VAIN {REVIEWED}: {file}: {definition}: {words}\n")
    total = report.caught + len(report.missed)
    out.write(f"{report.caught} of {total} mutations caught ({report.percent:.1f} %); ")
    out.write(f"{len(report.reviewed)} equivalent, reviewed; {report.invalid} do not load\n")


def run_mutate(
    directory: Path,
    policies: Sequence[str],
    out: TextIO,
    *,
    sample: int | None = None,
    seed: int = 1,
    shipped: Path | None = None,
) -> int:
    """`cds-service rules mutate [POLICY ...] [--sample N]`: exit code 0 when at least 95 % are caught.

    Shared definitions that a folder took unchanged from `shipped` are not broken again.
    """
    try:
        bench = MutationBench(RuleFolder.open(directory), policies, shipped)
        reviewed = reviewed_equivalents(directory)
    except (CatalogueError, CaseError, UnknownPolicyError, ValueError) as error:
        out.write(f"ERROR {error}\n")
        return 1
    unsound = bench.unsound()
    if unsound:
        out.write(f"ERROR {len(unsound)} golden cases do not hold: run `cds-service rules test` first\n")
        return 1
    mutations = list(bench.mutations())
    report = run_mutations(bench, sample_of(mutations, sample, seed), reviewed)
    tried = {(each.file, each.definition) for each in mutations}
    unknown = reviewed - {key(mutation) for mutation in mutations}
    idle = sorted(each for each in unknown if each[:2] in tried)
    report = MutationReport(report.caught, report.missed, report.reviewed, report.invalid, tuple(idle))
    write_report(report, out)
    return 0 if report.percent >= ENOUGH and not idle else 1
