"""What a type checker must accept and refuse; `make types` runs mypy on this file.

Nothing imports it. Each ``type: ignore`` marks a mistake that mypy must see: in strict mode an
ignore that is not needed is an error.
"""

from pathlib import Path

from milvus_secure import MilvusSettings, TLSMode, connect_secure

MilvusSettings(uri="https://h:1", token="t", timeout=5, ca_pem_path=Path("ca.pem"), tls_mode=2)
MilvusSettings(profile="prod", config="c.toml", tls_mode=TLSMode.MUTUAL, client_key=b"x")
MilvusSettings.from_arguments(ca_pem_path="system", secure=None).replace(db_name="d")
connect_secure("https://h:1", tls_mode="one-way", env_file=None, environ={}).close()

MilvusSettings(ca_pem_pth="x")  # type: ignore[call-arg]
MilvusSettings(timeout="soon")  # type: ignore[arg-type]
MilvusSettings.from_arguments(url="x")  # type: ignore[call-arg]
MilvusSettings.from_arguments(profile="x")  # type: ignore[call-arg]
MilvusSettings().replace(tokn="x")  # type: ignore[call-arg]
connect_secure(tls_mode="mutal")  # type: ignore[arg-type]
connect_secure(ca_pem="x", ca_cert="y")  # type: ignore[call-arg]
