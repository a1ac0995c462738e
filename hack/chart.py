"""Templates of the Helm chart of the CRDs.

The CRDs are templates, not files in the chart's `crds` folder: Helm installs those once and never
updates them.

Source: https://helm.sh/docs/chart_best_practices/custom_resource_definitions/
"""

import re
from typing import Any, Final

from hack.crd import to_yaml

_METADATA: Final = """\
metadata:
  name: {name}
  {{{{- if or .Values.crds.keep .Values.crds.annotations }}}}
  annotations:
    {{{{- if .Values.crds.keep }}}}
    helm.sh/resource-policy: keep
    {{{{- end }}}}
    {{{{- with .Values.crds.annotations }}}}
    {{{{- toYaml . | nindent 4 }}}}
    {{{{- end }}}}
  {{{{- end }}}}
"""


def chart_template(crd: dict[str, Any]) -> str:
    """Return the template that renders to `crd`, with the annotations that the values ask for."""
    before = {key: crd[key] for key in ("apiVersion", "kind")}
    after = {key: value for key, value in crd.items() if key not in {*before, "metadata"}}
    metadata = _METADATA.format(name=crd["metadata"]["name"])
    return escaped(to_yaml(before)) + metadata + escaped(to_yaml(after))


def escaped(text: str) -> str:
    """Return a template that renders to `text`: rules and descriptions may hold braces."""
    return re.sub(r"\{\{", '{{ "{{" }}', text)
