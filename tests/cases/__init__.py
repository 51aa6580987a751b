"""Faults that people reported of systems like this one, each as a whole kind."""
