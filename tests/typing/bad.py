"""Mistakes that the types find: each line marked must be an error, and no other."""

from fastapi import FastAPI

import auditroll
from auditroll import AuditExempt, Route, audit

audit.action("VIEW")  # error
audit.actor(7)  # error
audit.actor("ann", auth_method="fingerprint")  # error
audit.purpose("treatment", lawful_basis="because")  # error
Route(mode="fast")  # error
Route("patient")  # error
AuditExempt()  # error
auditroll.instrument(FastAPI(), credential="producer.json")  # error
auditroll.instrument(FastAPI(), service="a", credential="c", access_log="verbose")  # error
