"""Reading a client's FHIR server during one call: where to, how long, what its answers mean.

Nothing here knows hooks or policies. `requests` is loaded by the first read, not at start.
"""

from cds_service.fhir.ehr.bases import AllowedServers, BaseError, FhirBase
from cds_service.fhir.ehr.client import EhrCall, EhrClient, EhrLimits
from cds_service.fhir.ehr.queries import Fetched, Query

__all__ = ["AllowedServers", "BaseError", "EhrCall", "EhrClient", "EhrLimits", "Fetched", "FhirBase", "Query"]
