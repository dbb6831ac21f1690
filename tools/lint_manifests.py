"""Checks Kubernetes manifests against the API's schemas, without a cluster.

    python tools/lint_manifests.py deploy/kubernetes

Every kustomization below the folder is built by kubectl or kustomize, and each resource of it validated, strictly.
Where neither is installed, the resources are validated as they lie there, without their patches.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import yaml

_VERSIONS: Final = ("1.32", "1.36")  # the oldest that the manifests are for, and a new one
_BUILDERS: Final = (("kubectl", "kustomize"), ("kustomize", "build"))


def documents(text: str) -> list[dict[str, Any]]:
    """The documents of a YAML stream."""
    return [each for each in yaml.safe_load_all(text) if each]


def built(folder: Path, builder: tuple[str, ...] | None) -> list[dict[str, Any]]:
    """The resources of a kustomization.

    Raises:
        SystemExit: If it cannot be built.
    """
    if builder is not None:
        done = subprocess.run([*builder, folder], capture_output=True, text=True, check=False)
        if done.returncode or done.stderr:
            raise SystemExit(f"{folder}: {done.stderr}")
        return documents(done.stdout)
    (kustomization,) = documents((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = []
    for name in kustomization["resources"]:
        path = folder / name
        found += built(path, None) if path.is_dir() else documents(path.read_text(encoding="utf-8"))
    return found


def complaints(resource: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a resource."""
    named = f"{resource['kind']} {resource['metadata']['name']}"
    for version in _VERSIONS:
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            print(f"{named}: of an operator, so there is no schema to check it against")
            return
        except kubernetes_validate.ValidationError as error:
            yield f"{named}, Kubernetes {version}: {error}"


def main() -> int:
    """Checks all below a folder; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    root = parser.parse_args().folder
    builder = next((words for words in _BUILDERS if shutil.which(words[0])), None)
    if builder is None:
        print("neither kubectl nor kustomize is installed, so patches were not applied")
    wrong: list[str] = []
    for path in sorted(root.rglob("kustomization.yaml")):
        resources = built(path.parent, builder)
        wrong += [f"{path.parent}: {what}" for resource in resources for what in complaints(resource)]
        print(f"{path.parent}: {len(resources)} resources")
    for path in sorted(root.rglob("*.example.yaml")):
        example = documents(path.read_text(encoding="utf-8"))
        wrong += [f"{path}: {what}" for resource in example for what in complaints(resource)]
    print(
        "\n".join(wrong) or "kubernetes-validate: nothing to complain about", file=sys.stderr if wrong else sys.stdout
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
