"""Valid manifests: of each kind the smallest, and ones that together have every field.

The largest ones say each field with another value than its default, as far as it has one.
"""

from typing import Any, Final

import yaml

from kapsa.models import API_VERSION, DomainPool, Environment, Model, Project, Registry

Manifest = dict[str, Any]

SHA: Final = "3f2a" * 10
DIGEST: Final = "sha256:" + "ab" * 32

MINIMAL: Final[dict[type[Model], Manifest]] = {
    Project: {
        "repository": {"url": "https://git.example.com/acme/shop.git"},
        "build": {"image": "ghcr.io/acme/shop:{sha}"},
    },
    Environment: {},
    DomainPool: {"baseDomains": ["apps.example.com"]},
    Registry: {"endpoint": "harbor.example.com:5000"},
}
"""Specs with nothing but what is required."""

_PLAIN_PROJECT: Final = """
        suspend: false
        isolation: Project
        repository: {url: "https://git.example.com/acme/shop.git", branch: main, provider: auto}
        previewEnvironments:
          enabled: true
          pullRequests: {enabled: true, drafts: false}
          branches: {enabled: false, include: [preview/*]}
          maxActive: 20
          ttl: 7d
          maxLifetime: 30d
        """

_RUNTIME: Final = """
          replicas: 2
          resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 1Gi}}
          ports:
          - {name: http, containerPort: 8080, protocol: TCP}
          - {name: dns, containerPort: 53, protocol: UDP}
          probes:
            liveness:
              path: /healthz
              port: http
              initialDelaySeconds: 5
              periodSeconds: 10
              timeoutSeconds: 2
              failureThreshold: 3
            readiness: {path: /ready}
            startup: {path: /ready, failureThreshold: 30}
          autoscaling: {enabled: true, minReplicas: 2, maxReplicas: 4, targetCPUUtilization: 70}
          command: [./serve]
          args: [--port, "8080"]
          env: [{name: A, value: b}]
          kind: web
          release: {command: [./migrate], args: [--all], timeout: 5m}
          security: {runAsUser: 10001, profile: baseline}
          processes:
          - name: api
            kind: web
            command: [./api]
            args: [--port, "9090"]
            replicas: 2
            resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}
            ports: [{name: grpc, containerPort: 9090, protocol: TCP}]
            probes: {liveness: {path: /healthz, port: grpc}}
            env: [{name: A, value: c}]
            paths: [/api]
          - {name: nightly, kind: cron, schedule: "0 3 * * *"}
          configRefs: [{name: shop-config}, {name: shop-files, mountPath: /etc/shop/files}]
          secretRefs: [{name: shop-secrets}, {name: shop-keys, mountPath: /etc/keys}]
"""
_INGRESS: Final = """
          enabled: false
          paths: [/shop, /assets/]
          tls: {enabled: false, secretName: shop-tls}
          annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 8m, team: shop}
"""
_SELECTOR: Final = """
            matchLabels: {example.com/team: shop}
            matchExpressions:
            - {key: tier, operator: In, values: [gold, silver]}
            - {key: closed, operator: DoesNotExist}
"""

_FULL: Final[dict[type[Model], tuple[str, ...]]] = {
    Project: (
        f"""
        suspend: true
        isolation: Shared
        access:
        - {{kind: Group, name: team-a}}
        - {{kind: User, name: "system:serviceaccount:team-a:robot"}}
        repository:
          url: https://git.example.com/acme/shop.git
          branch: trunk
          provider: gitea
          apiURL: https://git.example.com/api/v1
          pollInterval: 1h30m
          credentials: {{secretRef: {{name: shop-git}}}}
        build:
          strategy: prebuilt
          image: "ghcr.io/acme/shop:{{branch}}-{{shortSha}}"
          timeout: 30m
        registry: {{name: harbor}}
        domain: {{domainPoolRef: {{name: apps}}, subdomain: shop}}
        runtime:{_RUNTIME}
        ingress:{_INGRESS}
        environments:
        - name: production
          promoteFrom: staging
          autoSync: false
          revision: {SHA}
          image: ghcr.io/acme/shop@{DIGEST}
          runtime: {{replicas: 3}}
          ingress: {{host: shop.example.com, paths: [/]}}
        - {{name: staging, branch: main, autoSync: true}}
        - {{name: releases, tag: v*, autoSync: true}}
        previewEnvironments:
          enabled: false
          pullRequests:
            enabled: false
            heads: {{include: ["*"], exclude: [dependabot/*]}}
            labels: {{include: [preview], exclude: [no-preview]}}
            drafts: true
          branches: {{enabled: true, include: [feature/*], exclude: [feature/old]}}
          maxActive: 5
          ttl: 604800
          maxLifetime: 2w
          runtime: {{replicas: 1}}
          ingress: {{paths: [/]}}
        """,
        _PLAIN_PROJECT
        + """
        registry: {name: harbor, imageRepository: shop/web}
        build:
          strategy: dockerfile
          dockerfile: docker/Dockerfile.web
          context: services/web
          args: [{name: VERSION, value: "1.2"}]
          timeout: 1h
          paths: {include: [src/*], exclude: [src/docs/*]}
        """,
        _PLAIN_PROJECT
        + """
        registry: {name: harbor}
        build:
          strategy: buildpack
          env: [{name: BP_JVM_VERSION, value: "21"}]
          builder: {image: ghcr.io/acme/builder:2}
          timeout: 30m
        """,
        _PLAIN_PROJECT
        + """
        registry: {name: harbor}
        build: {strategy: buildpack, builder: {kind: ClusterBuilder, name: base}, timeout: 30m}
        """,
    ),
    Environment: (
        f"""
        projectRef: {{name: shop, namespace: team-a, uid: 0b5c}}
        type: permanent
        branch: feature/login
        commit: {SHA}
        pullRequest: {{number: 42, title: Log in, author: ann, url: "https://git.example.com/42"}}
        image: harbor.example.com/acme/shop@{DIGEST}
        registry: {{name: harbor}}
        ttl: 7d
        suspend: true
        domain: {{domainPoolRef: {{name: apps}}, subdomain: shop}}
        runtime:{_RUNTIME}
        ingress:{_INGRESS}          host: shop.example.com
        """,
        """
        type: permanent
        suspend: true
        runtime: {kind: cron, schedule: "@daily"}
        """,
        """
        type: permanent
        suspend: true
        runtime:
          volumes: [{name: data, mountPath: /data, size: 2Gi, storageClassName: fast, retain: true}]
        """,
    ),
    DomainPool: (
        f"""
        baseDomains: [apps.example.com, apps.example.org]
        naming: nested
        primaryEnvironment: live
        routing:
          kind: Ingress
          ingressClassName: nginx
          annotations: {{example.com/team: web}}
          previewAnnotations: {{nginx.ingress.kubernetes.io/custom-headers: ingress-nginx/noindex}}
          allowedAnnotations: [nginx.ingress.kubernetes.io/proxy-body-size, example.com/*]
          routerNamespace: ingress-nginx
          routerPodSelector: {{app.kubernetes.io/name: ingress-nginx}}
        certManager:
          issuerRef: {{name: own, kind: Issuer}}
          mode: wildcard
          delivery: copy
        allocationPolicy: {{strategy: least-used, reservedSubdomains: [www, admin]}}
        allowedNamespaces:
          selector:{_SELECTOR}
        """,
        """
        baseDomains: [apps.example.net]
        naming: flat
        primaryEnvironment: production
        routing:
          kind: Gateway
          gatewayRef: {name: public, namespace: gateways, sectionName: https}
        certManager: {mode: wildcard, delivery: router}
        allocationPolicy: {strategy: random}
        """,
        """
        baseDomains: [apps.example.net]
        naming: flat
        primaryEnvironment: production
        certManager:
          issuerRef: {name: letsencrypt, kind: ClusterIssuer}
          mode: perHost
          delivery: copy
        routing: {kind: Ingress}
        allocationPolicy: {strategy: round-robin}
        """,
    ),
    Registry: (
        f"""
        type: generic
        endpoint: harbor.example.com
        insecure: true
        pullAuth: {{secretRef: {{name: harbor-pull}}}}
        verifyInterval: 10m
        allowedNamespaces:
          selector:{_SELECTOR}
        """,
        """
        type: harbor
        endpoint: harbor.example.com
        repositoryTemplate: acme/{namespace}/{imageRepository}
        insecure: false
        caSecretRef: {name: harbor-ca}
        auth: {secretRef: {name: harbor-push}}
        pullAuth: {secretRef: {name: harbor-pull}}
        options: {projectName: acme, robotAccount: kapsa}
        imagePullSecret: {name: harbor-images, generatePerNamespace: true}
        verifyInterval: 5m
        """,
    ),
}

FULL: Final[dict[type[Model], tuple[Manifest, ...]]] = {
    kind: tuple(yaml.safe_load(text) for text in texts) for kind, texts in _FULL.items()
}
"""Specs that together have every field, as somebody would write them."""

NAMES: Final[dict[type[Model], str]] = {
    Project: "shop",
    Environment: "web",
    DomainPool: "customers",
    Registry: "mirror",
}
"""What the object of each kind is called: as none that the integration tests share."""


def manifest_of(kind: type[Model], spec: Manifest) -> Manifest:
    """Return an object of `kind` with that spec, as somebody writes it."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind.__name__,
        "metadata": {"name": NAMES[kind]},
        "spec": spec,
    }


def full_manifests(kind: type[Model]) -> tuple[Manifest, ...]:
    """Return whole objects of the largest specs."""
    return tuple(manifest_of(kind, spec) for spec in FULL[kind])
