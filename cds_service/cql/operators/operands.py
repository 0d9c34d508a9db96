"""How the evaluated operands of an ELM node are handed to its operator.

Most nodes carry `operand`, one expression or a list of them, given to the operator in that order. The nodes
below name theirs: the operator takes them in this order, None for one that is absent. Nodes in
`PRECISION_OPERATORS` may have a `precision` attribute, given as the keyword `precision` in lower case
("year" ... "millisecond", "week"), None when absent. Nodes in `TYPE_OPERATORS` take the value of the named
attribute, a type name, as their only operand. (ELM R1, expression schema.)
"""

from __future__ import annotations

OPERAND_NAMES: dict[str, tuple[str, ...]] = {
    "Combine": ("source", "separator"),
    "Split": ("stringToSplit", "separator"),
    "SplitOnMatches": ("stringToSplit", "separatorPattern"),
    "PositionOf": ("pattern", "string"),
    "LastPositionOf": ("pattern", "string"),
    "Substring": ("stringToSub", "startIndex", "length"),
    "Round": ("operand", "precision"),
    "IndexOf": ("source", "element"),
    "Slice": ("source", "startIndex", "endIndex"),
    "First": ("source",),
    "Last": ("source",),
    "Date": ("year", "month", "day"),
    "DateTime": (
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "millisecond",
        "timezoneOffset",
    ),
    "Time": ("hour", "minute", "second", "millisecond"),
    **dict.fromkeys(
        (
            "Count",
            "Sum",
            "Product",
            "Min",
            "Max",
            "Avg",
            "Median",
            "Mode",
            "Variance",
            "PopulationVariance",
            "StdDev",
            "PopulationStdDev",
            "GeometricMean",
            "AllTrue",
            "AnyTrue",
        ),
        ("source",),
    ),
}

TYPE_OPERATORS: dict[str, str] = {"MinValue": "valueType", "MaxValue": "valueType"}

PRECISION_OPERATORS: frozenset[str] = frozenset(
    {
        "After",
        "Before",
        "CalculateAgeAt",
        "Contains",
        "DateTimeComponentFrom",
        "DifferenceBetween",
        "DurationBetween",
        "In",
        "IncludedIn",
        "Includes",
        "Meets",
        "MeetsAfter",
        "MeetsBefore",
        "Overlaps",
        "OverlapsAfter",
        "OverlapsBefore",
        "ProperContains",
        "ProperIn",
        "ProperIncludedIn",
        "ProperIncludes",
        "SameAs",
        "SameOrAfter",
        "SameOrBefore",
        "Starts",
        "Ends",
    }
)
