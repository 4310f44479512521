"""Certificates, judged as the real peers judge them: names, paths, extensions."""
