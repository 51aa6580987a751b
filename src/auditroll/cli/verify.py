"""`auditroll verify`: judge a data folder or an evidence bundle."""
