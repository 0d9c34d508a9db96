"""Checks of FHIR resources against profiles of published packages, driven by their snapshots.

    from tests import profiles

    dtr = profiles.packages("davinci_dtr_2.0.1", "uscore311")  # skips the test where the files are absent
    assert profiles.errors(questionnaire, dtr, DTR_STANDARD_QUESTIONNAIRE) == []
    assert profiles.unreviewed(profiles.errors(bundle, dtr)) == []

Packages are the files NAME.tgz of FHIR_PACKAGES_DIR, else of `shared/ig` beside the repository. `errors`
gives the findings (path, rule, message, profile) of the resource itself (R4B model, codes of required
bindings), of the profile asked for by its canonical, of every profile that `meta.profile` claims, and of
every extension that a package defines; what stands in Bundles, Parameters and `contained` is checked too.

Checked are cardinality, types, fixed and pattern values, slices, required bindings, targets of references,
and invariants (FHIRPath). Not checked: bindings to value sets that the packages do not hold whole,
extensible and weaker bindings, what a reference leads to, narrative.

`reviewed.yaml` holds the findings that are no fault of ours, each with its reason; `unreviewed` leaves
those out.
"""

from tests.profiles.findings import Finding, Review, reviewed, unreviewed
from tests.profiles.package import Packages, packages
from tests.profiles.validator import errors

__all__ = ["Finding", "Packages", "Review", "errors", "packages", "reviewed", "unreviewed"]
