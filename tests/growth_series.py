"""Trees that grow in one thing: made texts of n services, locations, jobs, and so on, by path. Each is one attack, or one very large team."""

# ruff: noqa: E501  # a tree a line

from __future__ import annotations

from collections.abc import Callable, Iterable

Tree = dict[str, str]
Series = Callable[[int], Tree]
WORKFLOW = ".github/workflows/a.yml"


def joined(pieces: Iterable[str]) -> str:
    """Documents of one YAML file."""
    return "---\n".join(pieces)


def manifest(kind: str, name: str, rest: str = "", api: str = "v1") -> str:
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n"


def deployment(name: str, *, labels: str = "", pod: str = "", container: str = "", annotations: str = "") -> str:
    """A Deployment with one container; its label `app` is its name unless others are given."""
    shown = labels or f"app: {name}"
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, labels: {{{shown}}}, annotations: {{{annotations}}}}}\n"
        f"spec:\n  selector: {{matchLabels: {{{shown}}}}}\n  template:\n    metadata: {{labels: {{{shown}}}}}\n    spec:\n{pod}"
        f"      containers:\n        - name: c\n          image: r.example.com/{name}:1.0\n{container}"
    )


def workflow(jobs: str, on: str = "push", head: str = "") -> Tree:
    return {WORKFLOW: f"{head}on: {on}\njobs:\n{jobs}"}


def job(name: str, steps: str, rest: str = "") -> str:
    return f"  {name}:\n    runs-on: ubuntu-24.04\n{rest}    steps:\n{steps}"


def nginx(server: str, http: str = "") -> Tree:
    return {"nginx.conf": f"events {{}}\nhttp {{\n{http}server {{\nlisten 80;\nserver_name a.example.com;\n{server}}}\n}}\n"}


def compose(services: str, rest: str = "") -> Tree:
    return {"compose.yaml": f"services:\n{services}{rest}"}


# Compose


def compose_services(n: int) -> Tree:
    return compose("".join(f"  s{i}:\n    image: 'r.example.com/s{i}:1'\n    ports: ['{i + 1024}:80']\n    restart: always\n" for i in range(n)))


def compose_shared_volume(n: int) -> Tree:
    return compose(
        "".join(f"  s{i}:\n    image: postgres:16\n    volumes: ['data:/var/lib/postgresql/data']\n" for i in range(n)), "volumes: {data: {}}\n"
    )


def compose_own_volumes(n: int) -> Tree:
    return compose(
        "".join(f"  s{i}:\n    image: redis:7\n    volumes: ['v{i}:/data', './d{i}:/x']\n" for i in range(n)),
        "volumes:\n" + "".join(f"  v{i}: {{}}\n" for i in range(n)),
    )


def compose_one_service_many_volumes(n: int) -> Tree:
    return compose("  s:\n    image: redis:7\n    volumes:\n" + "".join(f"      - ./d{i}:/x/d{i}\n" for i in range(n)))


def compose_extends_chain(n: int) -> Tree:
    first = "  s0: {image: 'r.example.com/x:1', environment: {A: b}}\n"
    return compose(first + "".join(f"  s{i}: {{extends: {{service: s{i - 1}}}, environment: {{A{i}: b}}}}\n" for i in range(1, n)))


def compose_extends_one(n: int) -> Tree:
    keys = "".join(f"      K{i}: v\n" for i in range(n))
    return compose(f"  base:\n    image: a:1\n    environment:\n{keys}" + "".join(f"  s{i}: {{extends: {{service: base}}}}\n" for i in range(n)))


def compose_extends_files(n: int) -> Tree:
    files = {f"c{i}/compose.yaml": f"services:\n  s: {{extends: {{file: ../c{i - 1}/compose.yaml, service: s}}}}\n" for i in range(1, n)}
    return {"c0/compose.yaml": "services:\n  s: {image: 'a:1'}\n"} | files


def compose_depends_on(n: int) -> Tree:
    return compose("".join(f"  s{i}:\n    image: a:1\n    depends_on: [s{(i + 1) % n}, s{(i + 7) % n}, s0]\n" for i in range(n)))


def compose_depends_on_all(n: int) -> Tree:
    """One that waits for all."""
    return compose(
        "".join(f"  s{i}: {{image: 'a:1'}}\n" for i in range(n)) + f"  last: {{image: 'a:1', depends_on: [{', '.join(f's{i}' for i in range(n))}]}}\n"
    )


def compose_profiles(n: int) -> Tree:
    return compose(
        "".join(f"  s{i}: {{image: 'a:1', profiles: [p{i}, all], container_name: same, depends_on: [s{(i + 1) % n}]}}\n" for i in range(n))
    )


def compose_networks(n: int) -> Tree:
    rest = "networks:\n" + "".join(f"  n{i}: {{}}\n" for i in range(n))
    return compose("".join(f"  s{i}: {{image: 'postgres:16', networks: [n{i}, n0]}}\n" for i in range(n)), rest)


def compose_environment(n: int) -> Tree:
    return compose("  s:\n    image: a:1\n    environment:\n" + "".join(f"      KEY_{i}: http://s{i}:80/${{V{i}:-x}}\n" for i in range(n)))


def compose_hosts_of_each_other(n: int) -> Tree:
    return compose(
        "".join(
            f"  s{i}: {{image: 'a:1', environment: {{URL: 'http://s{(i + 1) % n}:80', DB: 'postgres://u:p@s{(i + 2) % n}/x'}}}}\n" for i in range(n)
        )
    )


def compose_env_file(n: int) -> Tree:
    return compose("".join(f"  s{i}: {{image: 'a:$V{i}', env_file: .env}}\n" for i in range(n))) | {".env": "".join(f"V{i}=x\n" for i in range(n))}


def compose_env_files(n: int) -> Tree:
    """Many environment files, each for many services."""
    services = "".join(f"  s{i}: {{image: 'a:1', env_file: [{', '.join(f'e{j}.env' for j in range(10))}]}}\n" for i in range(n))
    return compose(services) | {f"e{j}.env": "".join(f"V{i}_{j}=x\n" for i in range(n // 2)) for j in range(10)}


def compose_files_of_aliases(n: int) -> Tree:
    """Many files, each of which has one large mapping in many services."""
    keys = ", ".join(f"K{i}: v" for i in range(10))
    services = "".join(f"  s{i}: {{image: 'a:1', environment: *e}}\n" for i in range(10))
    return {f"d{i}/compose.yaml": f"x-e: &e {{{keys}}}\nservices:\n{services}" for i in range(n)}


def compose_files(n: int) -> Tree:
    return {
        f"d{i}/compose.yaml": f"name: same\nservices:\n  web: {{image: 'nginx:1.27', ports: ['80:80']}}\n  s{i}: {{image: 'a:1'}}\n" for i in range(n)
    }


def compose_overlays(n: int) -> Tree:
    base = "services:\n  web: {image: 'nginx:1.27', ports: ['80:80']}\n"
    return {"compose.yaml": base} | {f"compose.o{i}.yaml": f"services:\n  web: {{environment: {{A{i}: x}}}}\n" for i in range(n)}


def compose_includes(n: int) -> Tree:
    head = "include:\n" + "".join(f"  - c{i}.yaml\n" for i in range(n))
    return {"compose.yaml": head + "services: {}\n"} | {f"c{i}.yaml": f"services:\n  s{i}: {{image: 'a:1', ports: ['{i}:80']}}\n" for i in range(n)}


def compose_builds(n: int) -> Tree:
    services = "".join(f"  s{i}: {{build: d{i}, image: 'r.example.com/s{i}'}}\n" for i in range(n))
    return compose(services) | {f"d{i}/Dockerfile": "FROM alpine:3.20\nEXPOSE 80\nCMD a\n" for i in range(n)}


def compose_configs(n: int) -> Tree:
    rest = (
        "configs:\n"
        + "".join(f"  c{i}: {{file: ./c{i}}}\n" for i in range(n))
        + "secrets:\n"
        + "".join(f"  x{i}: {{file: ./x{i}}}\n" for i in range(n))
    )
    return compose("".join(f"  s{i}: {{image: 'a:1', configs: [c{i}], secrets: [x{i}]}}\n" for i in range(n)), rest)


def compose_aliased_services(n: int) -> Tree:
    """Services that all are one anchor of many keys: what is written grows by n, what is meant by its square."""
    keys = ", ".join(f"K{i}: v" for i in range(n))
    return {"compose.yaml": f"x-e: &e {{{keys}}}\nservices:\n" + "".join(f"  s{i}: {{image: 'a:1', environment: *e}}\n" for i in range(n))}


def yaml_merge_chain(n: int) -> Tree:
    chain = "".join(f"x-{i}: &a{i} {{<<: *a{i - 1}, K{i}: v}}\n" for i in range(1, n))
    return {"compose.yaml": f"x-0: &a0 {{K0: v}}\n{chain}services:\n  s: {{image: 'a:1', environment: *a{n - 1}}}\n"}


def yaml_merge_list(n: int) -> Tree:
    maps = "".join(f"x-{i}: &a{i} {{K{i}: v}}\n" for i in range(n))
    return {"compose.yaml": f"{maps}services:\n  s:\n    image: a:1\n    environment: {{<<: [{', '.join(f'*a{i}' for i in range(n))}]}}\n"}


def yaml_merge_fan(n: int) -> Tree:
    """Many maps that all merge one large one."""
    keys = ", ".join(f"K{i}: v" for i in range(n))
    return {"compose.yaml": f"x-e: &e {{{keys}}}\nservices:\n" + "".join(f"  s{i}: {{image: 'a:1', environment: {{<<: *e}}}}\n" for i in range(n))}


def yaml_long_keys(n: int) -> Tree:
    return compose(
        "  s:\n    image: a:1\n    labels:\n" + "".join(f"      'traefik.http.routers.r{i}.rule': Host(`h{i}.example.com`)\n" for i in range(n))
    )


def yaml_documents(n: int) -> Tree:
    return {"k.yaml": joined(manifest("ConfigMap", f"c{i}", "data: {a: b}") for i in range(n))}


def yaml_empty_documents(n: int) -> Tree:
    return {"k.yaml": manifest("ConfigMap", "c", "data: {a: b}") + "---\n" * n}


# nginx


def nginx_files(n: int) -> Tree:
    return {
        f"d{i}/nginx.conf": f"events {{}}\nhttp {{ server {{ listen 80; server_name s{i}; location / {{ proxy_pass http://b{i}; }} }} }}\n"
        for i in range(n)
    }


def nginx_conf_d(n: int) -> Tree:
    made = {f"conf.d/s{i}.conf": f"server {{ listen 80; server_name s{i}; location / {{ proxy_pass http://b{i}; }} }}\n" for i in range(n)}
    return {"nginx.conf": "events {}\nhttp { include conf.d/*.conf; }\n"} | made


def nginx_snippets(n: int) -> Tree:
    """Servers that each take in a file of their own, and one that all share."""
    own = {f"snippets/p{i}.conf": f"proxy_set_header X-A{i} b;\n" for i in range(n)} | {"snippets/all.conf": "proxy_http_version 1.1;\n"}
    servers = "".join(
        f"server {{ listen 80; server_name s{i}; location / {{ include snippets/p{i}.conf; include snippets/all.conf; proxy_pass http://b; }} }}\n"
        for i in range(n)
    )
    return {"nginx.conf": f"events {{}}\nhttp {{\n{servers}}}\n"} | own


def nginx_servers(n: int) -> Tree:
    return {
        "nginx.conf": "events {}\nhttp {\n"
        + "".join(f"server {{ listen 80; server_name s{i}.example.com; root /var/www/s{i}; }}\n" for i in range(n))
        + "}\n"
    }


def nginx_same_servers(n: int) -> Tree:
    return {"nginx.conf": "events {}\nhttp {\n" + "server { listen 80; server_name a.example.com; root /var/www; }\n" * n + "}\n"}


def nginx_server_names(n: int) -> Tree:
    names = " ".join(f"s{i}.example.com" for i in range(n))
    return {"nginx.conf": f"events {{}}\nhttp {{ server {{ listen 80; server_name {names}; }} server {{ listen 80; server_name {names}; }} }}\n"}


def nginx_locations(n: int) -> Tree:
    return nginx("".join(f"location /p{i}/ {{ proxy_pass http://b{i}/; }}\n" for i in range(n)))


def nginx_regex_locations(n: int) -> Tree:
    return nginx("".join(f"location ~ ^/p{i}/(.*)\\.php$ {{ fastcgi_pass b{i}:9000; }}\n" for i in range(n)))


def nginx_aliases_and_regexes(n: int) -> Tree:
    return nginx("".join(f"location /a{i} {{ alias /srv/a{i}/; }}\nlocation ~ \\.x{i}$ {{ deny all; }}\n" for i in range(n)))


def nginx_rewrites(n: int) -> Tree:
    return nginx("".join(f"if ($http_a{i} = b) {{ set $v{i} 1; }}\nrewrite ^/r{i}/(.*)$ /p{i}/$1 last;\n" for i in range(n)))


def nginx_variables(n: int) -> Tree:
    return nginx(
        "set $v0 a;\n"
        + "".join(f"set $v{i} $v{i - 1}x;\n" for i in range(1, n))
        + f"location / {{ proxy_pass http://$v{n - 1}; add_header X-A $v{n - 1}; }}\n"
    )


def nginx_variables_used(n: int) -> Tree:
    return nginx("".join(f"location /v{i} {{ set $v $arg_a{i}; proxy_pass http://$v; return 301 $v$uri; }}\n" for i in range(n)))


def nginx_maps(n: int) -> Tree:
    maps = "".join(f"map $http_x{i} $m{i} {{ default a; '~^b{i}' $uri; }}\n" for i in range(n))
    return nginx("".join(f"add_header X-M{i} $m{i};\n" for i in range(n)), maps)


def nginx_map_rows(n: int) -> Tree:
    return nginx("return 301 $m;\n", "map $uri $m {\n" + "".join(f"~^/old{i}/(.*) /new{i}/$1;\n" for i in range(n)) + "}\n")


def nginx_upstreams(n: int) -> Tree:
    ups = "".join(f"upstream u{i} {{ server b{i}:80; server c{i}:80; }}\n" for i in range(n))
    return nginx("".join(f"location /p{i} {{ proxy_pass http://u{i}; }}\n" for i in range(n)), ups)


def nginx_upstream_servers(n: int) -> Tree:
    return nginx("location / { proxy_pass http://u; }\n", "upstream u {\n" + "".join(f"server b{i}:80;\n" for i in range(n)) + "}\n")


def nginx_headers(n: int) -> Tree:
    return nginx(
        "".join(f"add_header X-H{i} v;\nproxy_set_header X-P{i} v;\n" for i in range(n))
        + "".join(f"location /p{i} {{ add_header A b; proxy_pass http://b; }}\n" for i in range(n))
    )


def nginx_shared_include(n: int) -> Tree:
    """Servers that all include one file of many lines."""
    servers = "".join(f"server {{ listen 80; server_name s{i}.example.com; include /etc/nginx/shared.conf; }}\n" for i in range(n))
    return nginx("return 200;\n", servers) | {"shared.conf": "".join(f"add_header X-H{i} v;\n" for i in range(n))}


def nginx_limit_zones(n: int) -> Tree:
    zones = "".join(f"limit_req_zone $binary_remote_addr zone=z{i}:1m rate=1r/s;\n" for i in range(n))
    return nginx("".join(f"location /p{i} {{ limit_req zone=z{i}; proxy_pass http://b; }}\n" for i in range(n)), zones)


def nginx_error_pages(n: int) -> Tree:
    return nginx("".join(f"error_page 404 /e{i};\nlocation = /e{i} {{ internal; }}\nlocation @n{i} {{ return 404; }}\n" for i in range(n)))


def nginx_nested(n: int) -> Tree:
    return nginx("location /a {\n" + "".join(f"location /a/p{i} {{ try_files $uri /a/index{i}.html; }}\n" for i in range(n)) + "}\n")


# Kubernetes


def selecting(n: int, expressions: Callable[[int], str], pairs: Callable[[int], str] = lambda _: "") -> Tree:
    """Policies, their peers, budgets, monitors, affinities and topology spread, all with such selectors, and workloads of as many names."""

    def made(i: int) -> str:
        selector = f"{{matchLabels: {{{pairs(i)}}}, matchExpressions: [{expressions(i)}]}}"
        ingress = f"[{{from: [{{podSelector: {selector}}}]}}]"
        pod = (
            f"      affinity: {{podAntiAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: [{{labelSelector: {selector}, topologyKey: zone}}]}}}}\n"
            f"      topologySpreadConstraints: [{{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {selector}}}]\n"
        )
        return joined([
            manifest("NetworkPolicy", f"p{i}", f"spec: {{podSelector: {selector}, policyTypes: [Ingress], ingress: {ingress}}}", "networking.k8s.io/v1"),
            manifest("PodDisruptionBudget", f"b{i}", f"spec: {{minAvailable: 1, selector: {selector}}}", "policy/v1"),
            manifest("PodMonitor", f"m{i}", f"spec: {{selector: {selector}, podMetricsEndpoints: [{{port: m}}]}}", "monitoring.coreos.com/v1"),
            deployment(f"a{i}", labels=f"app: a{i}, tier: t", pod=pod),
        ])  # fmt: skip

    return {"k.yaml": joined(made(i) for i in range(n))}


def k8s_match_expressions(n: int) -> Tree:
    return selecting(n, lambda i: f"{{key: app, operator: In, values: [a{i}, b]}}")


def k8s_selectors_not_in(n: int) -> Tree:
    return selecting(n, lambda i: f"{{key: app, operator: NotIn, values: [a{i}]}}")


def k8s_selectors_not_in_and_in(n: int) -> Tree:
    return selecting(n, lambda i: f"{{key: app, operator: NotIn, values: [a{i}]}}, {{key: tier, operator: In, values: [t]}}")


def k8s_selectors_not_in_and_pairs(n: int) -> Tree:
    return selecting(n, lambda i: f"{{key: app, operator: NotIn, values: [a{i}]}}", lambda _: "tier: t")


def k8s_selectors_exists(n: int) -> Tree:
    """Half of the keys are there."""
    return selecting(n, lambda i: f"{{key: {'app' if i % 2 else 'none'}, operator: Exists}}, {{key: x{i}, operator: DoesNotExist}}")


def k8s_selectors_does_not_exist(n: int) -> Tree:
    return selecting(n, lambda i: f"{{key: {'x' if i % 2 else 'app'}{i if i % 2 else ''}, operator: DoesNotExist}}")


def k8s_service_monitors(n: int) -> Tree:
    """Monitors and Services of one label."""
    return {
        "k.yaml": joined(
            manifest("ServiceMonitor", f"m{i}", "spec: {selector: {matchLabels: {app: same}}, endpoints: [{port: m}]}", "monitoring.coreos.com/v1")
            + "---\n"
            + manifest("Service", f"s{i}", f"spec: {{selector: {{app: d{i}}}, ports: [{{port: 80}}]}}").replace(
                f"{{name: s{i}}}", f"{{name: s{i}, labels: {{app: same}}}}"
            )
            for i in range(n)
        )
    }


def k8s_egress_policies(n: int) -> Tree:
    """Policies without any workload, every other of which allows names."""
    return {
        "k.yaml": joined(
            manifest(
                "NetworkPolicy",
                f"p{i}",
                f"spec: {{podSelector: {{matchExpressions: [{{key: a{i}, operator: DoesNotExist}}], matchLabels: {{x: y{i}}}}}, policyTypes: [Egress],"
                f" egress: [{{to: [{{podSelector: {{}}}}], ports: [{{port: {53 if i % 2 else 80}, protocol: UDP}}]}}]}}",
                "networking.k8s.io/v1",
            )
            for i in range(n)
        )
    }


def k8s_scalers_of_one(n: int) -> Tree:
    target = "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}"
    scalers = (
        manifest("HorizontalPodAutoscaler", f"h{i}", f"spec: {{minReplicas: 1, maxReplicas: 3, {target}}}", "autoscaling/v2") for i in range(n)
    )
    return {"k.yaml": joined([*scalers, deployment("d")])}


def k8s_long_match_expressions(n: int) -> Tree:
    """One selector of many expressions, and budgets with many values."""
    many = ", ".join(f"{{key: k{i}, operator: NotIn, values: [v{i}]}}" for i in range(n))
    budget = manifest("PodDisruptionBudget", "b", f"spec: {{minAvailable: 1, selector: {{matchExpressions: [{many}]}}}}", "policy/v1")
    return {"k.yaml": joined([budget, *(deployment(f"a{i}") for i in range(n))])}


def k8s_equal_labels(n: int) -> Tree:
    services = (manifest("Service", f"s{i}", "spec: {selector: {app: same}, ports: [{port: 80}]}") for i in range(n))
    return {"k.yaml": joined([*services, *(deployment(f"d{i}", labels="app: same") for i in range(n))])}


def k8s_equal_labels_folders(n: int) -> Tree:
    made = {f"a{i}/d.yaml": deployment(f"d{i}", labels="app: same") for i in range(n)}
    return made | {f"a{i}/s.yaml": manifest("Service", f"s{i}", "spec: {selector: {app: same}, ports: [{port: 80}]}") for i in range(n)}


def k8s_equal_names_folders(n: int) -> Tree:
    return {
        f"a{i}/d.yaml": joined([deployment("web"), manifest("Service", "web", "spec: {selector: {app: web}, ports: [{port: 80}]}")]) for i in range(n)
    }


def k8s_budgets(n: int) -> Tree:
    budgets = (
        manifest("PodDisruptionBudget", f"b{i}", f"spec: {{minAvailable: 1, selector: {{matchLabels: {{app: d{i}}}}}}}", "policy/v1")
        for i in range(n)
    )
    scalers = (
        manifest(
            "HorizontalPodAutoscaler",
            f"h{i}",
            f"spec: {{minReplicas: 1, maxReplicas: 3, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: d{i}}}}}",
            "autoscaling/v2",
        )
        for i in range(n)
    )
    return {"k.yaml": joined([*budgets, *scalers, *(deployment(f"d{i}") for i in range(n))])}


def k8s_budgets_on_one(n: int) -> Tree:
    budgets = (manifest("PodDisruptionBudget", f"b{i}", "spec: {minAvailable: 1, selector: {matchLabels: {app: d}}}", "policy/v1") for i in range(n))
    return {"k.yaml": joined([*budgets, deployment("d")])}


def k8s_policies_x_namespaces(n: int) -> Tree:
    spaces = (manifest("Namespace", f"n{i}") for i in range(n))
    policies = (
        manifest("NetworkPolicy", f"p{i}", f"  namespace: n{i}\nspec: {{podSelector: {{}}}}", "networking.k8s.io/v1").replace(
            "}\n  namespace", "}\n#"
        )
        for i in range(n)
    )
    return {
        "k.yaml": joined([*spaces, *policies, *(deployment(f"d{i}").replace(f"name: d{i},", f"name: d{i}, namespace: n{i},", 1) for i in range(n))])
    }


def k8s_roles(n: int) -> Tree:
    api = "rbac.authorization.k8s.io/v1"
    roles = (manifest("Role", f"r{i}", "rules: [{apiGroups: [''], resources: [secrets, pods], verbs: [get, list, create]}]", api) for i in range(n))
    bindings = (
        manifest(
            "RoleBinding",
            f"b{i}",
            f"subjects: [{{kind: ServiceAccount, name: a{i}, namespace: default}}]\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: r{i}}}",
            api,
        )
        for i in range(n)
    )
    accounts = (manifest("ServiceAccount", f"a{i}") for i in range(n))
    return {"k.yaml": joined([*roles, *bindings, *accounts, *(deployment(f"d{i}", pod=f"      serviceAccountName: a{i}\n") for i in range(n))])}


def k8s_one_role(n: int) -> Tree:
    """Many bindings of one account to one role, and many workloads with that account."""
    api = "rbac.authorization.k8s.io/v1"
    role = manifest("ClusterRole", "r", "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]", api)
    bindings = (
        manifest(
            "ClusterRoleBinding",
            f"b{i}",
            "subjects: [{kind: ServiceAccount, name: a, namespace: default}]\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}",
            api,
        )
        for i in range(n)
    )
    return {
        "k.yaml": joined(
            [role, manifest("ServiceAccount", "a"), *bindings, *(deployment(f"d{i}", pod="      serviceAccountName: a\n") for i in range(n))]
        )
    }


def k8s_role_rules(n: int) -> Tree:
    rules = "rules:\n" + "".join(f"  - {{apiGroups: [g{i}], resources: [r{i}], verbs: [get]}}\n" for i in range(n))
    return {"k.yaml": manifest("ClusterRole", "r", rules, "rbac.authorization.k8s.io/v1")}


def k8s_ingress_services(n: int) -> Tree:
    ingresses = (
        manifest(
            "Ingress",
            f"i{i}",
            f"spec: {{rules: [{{host: h{i}.example.com, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: s{i}, port: {{number: 80}}}}}}}}]}}}}]}}",
            "networking.k8s.io/v1",
        )
        for i in range(n)
    )
    services = (manifest("Service", f"s{i}", f"spec: {{selector: {{app: d{i}}}, ports: [{{port: 80, targetPort: 8080}}]}}") for i in range(n))
    return {
        "k.yaml": joined([*ingresses, *services, *(deployment(f"d{i}", container="          ports: [{containerPort: 8080}]\n") for i in range(n))])
    }


def k8s_ingresses_of_one_host(n: int) -> Tree:
    return {
        "k.yaml": joined(
            manifest(
                "Ingress",
                f"i{i}",
                "spec: {rules: [{host: h.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}]}}]}",
                "networking.k8s.io/v1",
            )
            for i in range(n)
        )
    }


def k8s_ingress_paths(n: int) -> Tree:
    paths = ", ".join(f"{{path: /p{i}, pathType: Prefix, backend: {{service: {{name: s, port: {{number: 80}}}}}}}}" for i in range(n))
    return {"k.yaml": manifest("Ingress", "i", f"spec: {{rules: [{{host: h.example.com, http: {{paths: [{paths}]}}}}]}}", "networking.k8s.io/v1")}


def k8s_config_keys(n: int) -> Tree:
    maps = (manifest("ConfigMap", f"c{i}", f"data: {{K{i}: v}}") for i in range(n))
    keys = "".join(f"            - {{name: E{i}, valueFrom: {{configMapKeyRef: {{name: c{i}, key: K{i}}}}}}}\n" for i in range(n))
    return {"k.yaml": joined([*maps, deployment("d", container=f"          env:\n{keys}")])}


def k8s_one_config_many_keys(n: int) -> Tree:
    data = manifest("ConfigMap", "c", "data:\n" + "".join(f"  K{i}: 'http://s{i}:80'\n" for i in range(n)))
    secret = manifest("Secret", "s", "stringData:\n" + "".join(f"  P{i}: 'correct-horse{i}'\n" for i in range(n)))
    env = "          envFrom: [{configMapRef: {name: c}}, {secretRef: {name: s}}]\n"
    return {"k.yaml": joined([data, secret, *(deployment(f"d{i}", container=env) for i in range(n))])}


def k8s_env_keys(n: int) -> Tree:
    return {
        "k.yaml": deployment(
            "d", container="          env:\n" + "".join(f"            - {{name: E{i}, value: 'http://s{i}/$(E{max(i - 1, 0)})'}}\n" for i in range(n))
        )
    }


def k8s_hosts_in_env(n: int) -> Tree:
    services = (manifest("Service", f"s{i}", f"spec: {{selector: {{app: d{i}}}, ports: [{{port: 80}}]}}") for i in range(n))
    return {
        "k.yaml": joined(
            [*services, *(deployment(f"d{i}", container=f"          env: [{{name: URL, value: 'http://s{(i + 1) % n}:80'}}]\n") for i in range(n))]
        )
    }


def k8s_containers(n: int) -> Tree:
    more = "".join(
        f"        - name: c{i}\n          image: r.example.com/x{i}:1\n          ports: [{{containerPort: {i + 1}}}]\n          volumeMounts: [{{name: v{i}, mountPath: /m{i}}}]\n"
        for i in range(n)
    )
    volumes = "      volumes:\n" + "".join(f"        - {{name: v{i}, emptyDir: {{}}}}\n" for i in range(n))
    return {"k.yaml": deployment("d", pod=volumes) + more}


def k8s_volume_mounts(n: int) -> Tree:
    volumes = "      volumes:\n" + "".join(f"        - {{name: v{i}, persistentVolumeClaim: {{claimName: p{i}}}}}\n" for i in range(n))
    mounts = "          volumeMounts:\n" + "".join(f"            - {{name: v{i}, mountPath: /m/{i}, subPath: s}}\n" for i in range(n))
    claims = (
        manifest("PersistentVolumeClaim", f"p{i}", "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}") for i in range(n)
    )
    return {"k.yaml": joined([deployment("d", pod=volumes, container=mounts), *claims])}


def k8s_one_claim(n: int) -> Tree:
    pod = "      volumes: [{name: v, persistentVolumeClaim: {claimName: p}}]\n"
    claim = manifest("PersistentVolumeClaim", "p", "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}")
    return {"k.yaml": joined([claim, *(deployment(f"d{i}", pod=pod) for i in range(n))])}


def k8s_ports(n: int) -> Tree:
    ports = "".join(f"    - {{name: p{i}, port: {i + 1}, targetPort: q{i}}}\n" for i in range(n))
    inner = "".join(f"            - {{name: q{i}, containerPort: {i + 1}}}\n" for i in range(n))
    return {
        "k.yaml": joined(
            [manifest("Service", "s", f"spec:\n  selector: {{app: d}}\n  ports:\n{ports}"), deployment("d", container=f"          ports:\n{inner}")]
        )
    }


def k8s_one_name_many_objects(n: int) -> Tree:
    return {"k.yaml": joined(deployment("same") for _ in range(n))}


def k8s_deep_folders(n: int) -> Tree:
    return {"/".join(f"f{j}" for j in range(i % 40)) + f"/x{i}/d.yaml": deployment(f"d{i}") for i in range(n)}


def k8s_kustomizations(n: int) -> Tree:
    made = {f"apps/a{i}/kustomization.yaml": "resources: [d.yaml]\n" for i in range(n)}
    return (
        made
        | {f"apps/a{i}/d.yaml": deployment(f"d{i}") for i in range(n)}
        | {"kustomization.yaml": "resources:\n" + "".join(f"  - apps/a{i}\n" for i in range(n))}
    )


def k8s_kustomization_chain(n: int) -> Tree:
    made = {f"a{i}/kustomization.yaml": f"resources: [../a{i - 1}]\nnamePrefix: p\n" for i in range(1, n)}
    return made | {"a0/kustomization.yaml": "resources: [d.yaml]\n", "a0/d.yaml": deployment("d")}


def k8s_kustomize_patches(n: int) -> Tree:
    patches = "".join(
        f"  - target: {{kind: Deployment, name: d{i}}}\n    patch: '[{{op: replace, path: /spec/replicas, value: 2}}]'\n" for i in range(n)
    )
    kept = joined(deployment(f"d{i}").replace("spec:\n", "spec:\n  replicas: 1\n", 1) for i in range(n))
    return {"o/kustomization.yaml": f"resources: [d.yaml]\npatches:\n{patches}", "o/d.yaml": kept}


def k8s_kustomize_images(n: int) -> Tree:
    images = "".join(f"  - {{name: r.example.com/d{i}, newTag: '2'}}\n" for i in range(n))
    return {"o/kustomization.yaml": f"resources: [d.yaml]\nimages:\n{images}", "o/d.yaml": joined(deployment(f"d{i}") for i in range(n))}


def overlay(keys: str, objects: str, files: Tree | None = None) -> Tree:
    """An overlay of one file of objects."""
    return {"o/kustomization.yaml": f"resources: [d.yaml]\n{keys}", "o/d.yaml": objects} | (files or {})


def config_maps(n: int, data: str = "a: b") -> str:
    return joined(manifest("ConfigMap", f"c{i}", f"data: {{{data}}}") for i in range(n))


def k8s_kustomize_replicas(n: int) -> Tree:
    return overlay("replicas:\n" + "".join(f"  - {{name: d{i}, count: 2}}\n" for i in range(n)), joined(deployment(f"d{i}") for i in range(n)))


def k8s_kustomize_variables(n: int) -> Tree:
    rows = "".join(
        f"  - {{name: V{i}, objref: {{kind: ConfigMap, name: c{i}, apiVersion: v1}}, fieldref: {{fieldpath: data.a}}}}\n" for i in range(n)
    )
    return overlay(f"vars:\n{rows}", config_maps(n))


def k8s_kustomize_variable_fields(n: int) -> Tree:
    fields = "varReference:\n" + "".join(f"  - {{path: data/a{i}}}\n" for i in range(n))
    row = "vars: [{name: V, objref: {kind: ConfigMap, name: c0, apiVersion: v1}, fieldref: {fieldpath: data.a}}]\n"
    return overlay(f"configurations: [f.yaml]\n{row}", config_maps(n), {"o/f.yaml": fields})


def k8s_kustomize_merged_lists(n: int) -> Tree:
    """A patch of as many variables as the container has."""
    rows = "          env:\n" + "".join(f"            - {{name: A{i}, value: b}}\n" for i in range(n))
    return overlay("patches: [{path: p.yaml}]\n", deployment("d", container=rows), {"o/p.yaml": deployment("d", container=rows)})


def k8s_kustomize_references(n: int) -> Tree:
    """Objects of one name in many namespaces, each named by many."""
    maps = (manifest("ConfigMap", f"same, namespace: n{i}", "data: {a: b}") for i in range(n))
    pods = (deployment(f"d{i}", pod="      volumes: [{name: v, configMap: {name: same}}]\n") for i in range(n))
    return overlay("namePrefix: x-\n", joined([*maps, *pods]))


def k8s_kustomize_replacements(n: int) -> Tree:
    """Replacements of many fields in a long list, and of one field with many objects that are left out."""
    fields = ", ".join(f"'data.l.[k=v{i}].x'" for i in range(n))
    rejects = ", ".join(f"{{kind: ConfigMap, name: r{i}}}" for i in range(n))
    source = "source: {kind: ConfigMap, name: c0}"
    many_fields = f"{{select: {{name: listed}}, options: {{create: true}}, fieldPaths: [{fields}]}}"
    many_rejects = f"{{select: {{kind: ConfigMap}}, reject: [{rejects}], options: {{create: true}}, fieldPaths: [data.z]}}"
    listed = manifest("ConfigMap", "listed", f"data: {{l: [{', '.join('{k: v}' for _ in range(n))}]}}")
    return overlay(f"replacements:\n  - {{{source}, targets: [{many_fields}, {many_rejects}]}}\n", joined([config_maps(n), listed]))


def k8s_kustomize_label_selectors(n: int) -> Tree:
    selector = ",".join(f"!a{i}" for i in range(n))
    return overlay(f"patches:\n  - {{target: {{labelSelector: '{selector}'}}, patch: '[{{op: add, path: /data/b, value: c}}]'}}\n", config_maps(n))


def k8s_kustomize_removals(n: int) -> Tree:
    """A patch that takes the entries of a list away, one after the other."""
    listed = manifest("ConfigMap", "c", f"data: {{l: [{', '.join(str(i) for i in range(n))}]}}")
    return overlay("patches: [{path: p.yaml, target: {kind: ConfigMap}}]\n", listed, {"o/p.yaml": "- {op: remove, path: /data/l/0}\n" * n})


def k8s_kustomize_absent_objects(n: int) -> Tree:
    """Patches for objects that stand elsewhere, and operations on long paths."""
    rows = "".join(f"  - {{patch: '{{kind: Deployment, metadata: {{name: x{i}}}, spec: {{replicas: 1}}}}'}}\n" for i in range(n))
    operations = "- {op: add, path: '" + "/a" * n + "', value: 1}\n"
    keys = f"  - https://example.com/base\npatches:\n{rows}  - {{path: p.yaml, target: {{kind: ConfigMap, name: none}}}}\n"
    tree = overlay("", config_maps(2), {"o/p.yaml": operations})
    return tree | {"o/kustomization.yaml": f"resources:\n  - d.yaml\n{keys}"}


def k8s_kustomize_generators(n: int) -> Tree:
    """Many generators of one file of many lines."""
    rows = "".join(f"  - {{name: g{i}, files: [f.txt], envs: [e.env]}}\n" for i in range(n))
    return overlay(f"configMapGenerator:\n{rows}", config_maps(2), {"o/f.txt": "line\n" * n, "o/e.env": "# none\n" * n + "A=b\n"})


def k8s_kustomize_aliased_patch(n: int) -> Tree:
    """One long patch that stands in many places."""
    entry = '  - &p {target: {kind: None}, patch: "a: b\\n' + "# c\\n" * n + '"}\n'
    return overlay("patches:\n" + entry + "  - *p\n" * n, config_maps(2))


def k8s_kustomize_former_names(n: int) -> Tree:
    """A chain that renames its objects at each step, and patches that look for one among all their names."""
    made = {f"a{i}/kustomization.yaml": f"resources: [../a{i - 1}]\nnamePrefix: p\n" for i in range(1, n)}
    patches = "patches:\n" + "  - {target: {name: none}, patch: '[{op: add, path: /data/b, value: c}]'}\n" * n
    return made | {
        "a0/kustomization.yaml": "resources: [d.yaml]\n",
        "a0/d.yaml": config_maps(n),
        f"a{n}/kustomization.yaml": f"resources: [../a{n - 1}]\n{patches}",
    }


def k8s_kustomize_roots_over_chain(n: int) -> Tree:
    """Many overlays over one chain of kustomizations."""
    made = {f"b{i}/kustomization.yaml": f"resources: [../b{i - 1}]\n" for i in range(1, n)}
    roots = {f"o{i}/kustomization.yaml": f"resources: [../b{n - 1}]\nnamePrefix: o{i}-\n" for i in range(n)}
    return made | roots | {"b0/kustomization.yaml": "resources: [d.yaml]\n", "b0/d.yaml": manifest("ConfigMap", "c", "data: {a: b}")}


def k8s_overlays(n: int) -> Tree:
    made = {f"overlays/o{i}/kustomization.yaml": f"resources: [../../base]\nnamespace: n{i}\n" for i in range(n)}
    return made | {"base/kustomization.yaml": "resources: [d.yaml]\n", "base/d.yaml": deployment("d")}


def k8s_argo_applications(n: int) -> Tree:
    apps = {
        f"argo/a{i}.yaml": manifest(
            "Application",
            f"a{i}",
            f"spec: {{source: {{repoURL: 'https://example.com/r.git', path: apps/a{i}}}, destination: {{namespace: n{i}}}}}",
            "argoproj.io/v1alpha1",
        )
        for i in range(n)
    }
    return apps | {f"apps/a{i}/d.yaml": deployment(f"d{i}") for i in range(n)}


def k8s_annotations(n: int) -> Tree:
    kept = ", ".join(f"'a{i}.example.com/x': 'y{i}'" for i in range(n))
    return {"k.yaml": deployment("d", annotations=kept)}


def k8s_long_script(n: int) -> Tree:
    lines = "".join(f"                curl -sSf http://s{i}:80/x | sh && echo $V{i}\n" for i in range(n))
    return {"k.yaml": deployment("d", container=f"          command:\n            - sh\n            - -c\n            - |\n{lines}")}


def k8s_config_scripts(n: int) -> Tree:
    data = manifest("ConfigMap", "c", "data:\n" + "".join(f"  s{i}.sh: |\n    #!/bin/sh\n    nc -l {i + 1}\n" for i in range(n)))
    pod = "      volumes: [{name: c, configMap: {name: c}}]\n"
    return {"k.yaml": joined([data, deployment("d", pod=pod, container="          volumeMounts: [{name: c, mountPath: /c}]\n")])}


# Dockerfiles


def docker_heredocs(n: int) -> Tree:
    return {"Dockerfile": "FROM alpine:3.20\n" + "RUN <<A\n" * n + "USER 1\nCMD a\n"}


def docker_many_heredocs_of_one(n: int) -> Tree:
    return {
        "Dockerfile": "FROM alpine:3.20\nRUN "
        + " ".join(f"<<A{i}" for i in range(n))
        + " cat\n"
        + "".join(f"x\nA{i}\n" for i in range(n))
        + "CMD a\n"
    }


def docker_heredoc_lines(n: int) -> Tree:
    return {
        "Dockerfile": "FROM alpine:3.20\nRUN <<A\n"
        + "".join(f"curl -o /t{i} https://example.com/{i} && rm -rf /var/lib/apt\n" for i in range(n))
        + "A\nCMD a\n"
    }


def docker_runs(n: int) -> Tree:
    return {
        "Dockerfile": "FROM debian:12\n"
        + "".join(f"RUN apt-get update && apt-get install -y p{i} && rm -rf /var/lib/apt/lists/*\n" for i in range(n))
        + "CMD a\n"
    }


def docker_stages(n: int) -> Tree:
    return {
        "Dockerfile": "FROM alpine:3.20 AS s0\nRUN make\n"
        + "".join(f"FROM alpine:3.20 AS s{i}\nCOPY --from=s{i - 1} /a /a\nCOPY --from=s0 /a /b\nRUN make\n" for i in range(1, n))
        + "CMD a\n"
    }


def docker_stage_chain(n: int) -> Tree:
    return {
        "Dockerfile": "FROM alpine:3.20 AS s0\nENV A=b\n" + "".join(f"FROM s{i - 1} AS s{i}\nENV A{i}=b\nRUN make\n" for i in range(1, n)) + "CMD a\n"
    }


def docker_copies_from_all(n: int) -> Tree:
    return {
        "Dockerfile": "".join(f"FROM alpine:3.20 AS s{i}\nRUN make\n" for i in range(n))
        + "FROM alpine:3.20\n"
        + "".join(f"COPY --from=s{i} /a /a{i}\n" for i in range(n))
        + "CMD a\n"
    }


def docker_env(n: int) -> Tree:
    return {
        "Dockerfile": "FROM alpine:3.20\n"
        + "".join(f"ARG B{i}\nENV A{i}=x$A{max(i - 1, 0)}$B{i}\n" for i in range(n))
        + f"RUN echo $A{n - 1}\nCMD a\n"
    }


def docker_copies(n: int) -> Tree:
    return {
        "Dockerfile": "FROM node:22\nWORKDIR /app\n"
        + "".join(f"COPY --chown=node f{i} /app/f{i}\nRUN chown -R node /app/f{i} && rm /app/f{i}\n" for i in range(n))
        + "CMD a\n"
    }


def docker_one_long_run(n: int) -> Tree:
    return {
        "Dockerfile": "FROM debian:12\nRUN apt-get update \\\n"
        + "".join(f"  && apt-get install -y p{i} \\\n" for i in range(n))
        + "  && true\nCMD a\n"
    }


def docker_packages(n: int) -> Tree:
    return {
        "Dockerfile": "FROM debian:12\nRUN apt-get install -y "
        + " ".join(f"p{i}=1" for i in range(n))
        + "\nRUN pip install "
        + " ".join(f"q{i}" for i in range(n))
        + "\nCMD a\n"
    }


def docker_continuations(n: int) -> Tree:
    return {"Dockerfile": "FROM debian:12\nRUN a \\\n" + "# comment\n  \\\n" * n + "  b\nCMD a\n"}


def docker_labels(n: int) -> Tree:
    return {
        "Dockerfile": "FROM debian:12\nLABEL "
        + " ".join(f"l{i}=v" for i in range(n))
        + "\n"
        + "".join(f"EXPOSE {i + 1}\nVOLUME /v{i}\n" for i in range(n))
        + "CMD a\n"
    }


def docker_files(n: int) -> Tree:
    return {f"d{i}/Dockerfile": "FROM alpine:3.20\nCOPY . /app\nRUN make\nCMD a\n" for i in range(n)}


def docker_files_of_one_folder(n: int) -> Tree:
    return {f"Dockerfile.x{i}": f"FROM r.example.com/x{i - 1}:1\nCOPY . /app\nCMD a\n" for i in range(1, n + 1)}


def docker_ignore_lines(n: int) -> Tree:
    return {
        "Dockerfile": "FROM alpine:3.20\n" + "".join(f"COPY f{i} /\n" for i in range(min(n, 500))) + "CMD a\n",
        ".dockerignore": "".join(f"*a{i}*b*\n!x{i}/**/y\n" for i in range(n)),
    }


# Pipelines


def ci_jobs(n: int) -> Tree:
    return workflow("".join(job(f"j{i}", f"      - uses: actions/checkout@v4\n      - run: make t{i}\n") for i in range(n)))


def ci_needs_chain(n: int) -> Tree:
    return workflow(
        "".join(
            job(
                f"j{i}",
                "      - run: echo ${{ needs." + f"j{max(i - 1, 0)}" + ".outputs.x }}\n",
                f"    needs: [j{max(i - 1, 0)}]\n    outputs: {{x: '1'}}\n",
            )
            for i in range(n)
        )
    )


def ci_needs_all(n: int) -> Tree:
    last = job("last", "      - run: kubectl apply -f k8s\n", f"    needs: [{', '.join(f'j{i}' for i in range(n))}]\n")
    return workflow("".join(job(f"j{i}", "      - run: docker push x\n") for i in range(n)) + last)


def ci_needs_dense(n: int) -> Tree:
    """Layers of ten jobs, each needing all of the layer before."""

    def layer(i: int) -> str:
        return f"    needs: [{', '.join(f'j{k}' for k in range((i // 10 - 1) * 10, i // 10 * 10))}]\n" if i >= 10 else ""

    return workflow("".join(job(f"j{i}", "      - run: make test\n", layer(i)) for i in range(n)))


def ci_steps(n: int) -> Tree:
    return workflow(
        job(
            "a",
            "".join(
                f"      - id: s{i}\n        run: echo x{i} >> $GITHUB_OUTPUT; curl http://x | sh\n        env: {{A: '${{{{ steps.s{max(i - 1, 0)}.outputs.x }}}}'}}\n"
                for i in range(n)
            ),
        )
    )


def ci_uses(n: int) -> Tree:
    return workflow(job("a", "".join(f"      - uses: o{i}/r{i}@v1\n        with: {{token: '${{{{ secrets.T{i} }}}}'}}\n" for i in range(n))))


def ci_aliased_steps(n: int) -> Tree:
    """Jobs that all have one aliased list of steps: the file grows by n, what it stands for by its square."""
    steps = "".join(f"      - run: make t{i}\n" for i in range(n))
    return workflow(job("a", steps).replace("steps:", "steps: &s") + "".join(f"  j{i}: {{runs-on: ubuntu-24.04, steps: *s}}\n" for i in range(n)))


def ci_matrix(n: int) -> Tree:
    values = ", ".join(f"v{i}" for i in range(n))
    return workflow(
        job(
            "a",
            "      - run: make ${{ matrix.a }} ${{ matrix.b }}\n",
            f"    strategy: {{matrix: {{a: [{values}], b: [{values}], include: [{{a: v0, c: d}}], exclude: [{{a: v1}}]}}}}\n",
        )
    )


def ci_matrix_includes(n: int) -> Tree:
    rows = ", ".join(f"{{a: v{i}, k{i}: w}}" for i in range(n))
    return workflow(job("a", "      - run: make ${{ matrix.a }}\n" * 5, f"    strategy: {{matrix: {{include: [{rows}]}}}}\n"))


def ci_expressions(n: int) -> Tree:
    return workflow(
        job("a", "      - run: |\n" + "".join(f"          echo ${{{{ github.event.issue.title }}}} ${{{{ env.A{i} }}}}\n" for i in range(n))),
        on="[push, issues]",
    )


def ci_long_expression(n: int) -> Tree:
    return workflow(job("a", "      - run: make\n", "    if: " + " || ".join(f"github.ref == 'refs/heads/r{i}'" for i in range(n)) + "\n"))


def ci_env(n: int) -> Tree:
    head = "env:\n" + "".join(f"  A{i}: '${{{{ github.event.issue.title }}}}'\n" for i in range(n))
    return workflow(job("a", "".join(f"      - run: echo $A{i}\n" for i in range(n))), head=head)


def ci_workflows(n: int) -> Tree:
    return {f".github/workflows/w{i}.yml": "on: push\njobs:\n" + job("a", "      - uses: actions/checkout@v4\n      - run: make\n") for i in range(n)}


def ci_reusable(n: int) -> Tree:
    calls = {
        f".github/workflows/c{i}.yml": f"on: push\njobs:\n  a: {{uses: ./.github/workflows/r{i}.yml, secrets: inherit}}\n  b: {{uses: ./.github/workflows/r0.yml}}\n"
        for i in range(n)
    }
    return calls | {f".github/workflows/r{i}.yml": "on: workflow_call\njobs:\n" + job("a", "      - run: make\n") for i in range(n)}


def ci_workflow_runs(n: int) -> Tree:
    return {
        f".github/workflows/w{i}.yml": f"name: w{i}\non: {{workflow_run: {{workflows: [w{max(i - 1, 0)}], types: [completed]}}}}\njobs:\n"
        + job("a", "      - run: make\n")
        for i in range(n)
    }


def ci_deploys(n: int) -> Tree:
    steps = "".join(f"      - run: kubectl apply -f k8s/d{i}.yaml -n n{i}\n      - run: helm upgrade r{i} charts/c{i}\n" for i in range(n))
    return workflow(job("ship", steps)) | {f"k8s/d{i}.yaml": deployment(f"d{i}") for i in range(n)}


def ci_builds(n: int) -> Tree:
    steps = "".join(f"      - run: docker build -t r.example.com/d{i}:1 d{i} && docker push r.example.com/d{i}:1\n" for i in range(n))
    return (
        workflow(job("ship", steps))
        | {f"d{i}/Dockerfile": "FROM alpine:3.20\nCMD a\n" for i in range(n)}
        | {f"k8s/d{i}.yaml": deployment(f"d{i}") for i in range(n)}
    )


def ci_long_script(n: int) -> Tree:
    return workflow(job("a", "      - run: |\n" + "".join(f"          if test -f x{i}; then docker push a{i}; fi\n" for i in range(n))))


def gitlab_jobs(n: int) -> Tree:
    jobs = "".join(f"j{i}:\n  stage: s\n  script: [make t{i}]\n  needs: [j{max(i - 1, 0)}]\n  extends: .base\n" for i in range(n))
    return {".gitlab-ci.yml": f"stages: [s]\n.base: {{image: 'a:1', variables: {{A: b}}}}\n{jobs}"}


def gitlab_extends_chain(n: int) -> Tree:
    return {
        ".gitlab-ci.yml": "stages: [s]\n.j0: {image: 'a:1', stage: s}\n"
        + "".join(f".j{i}: {{extends: .j{i - 1}, variables: {{A{i}: b}}}}\n" for i in range(1, n))
        + f"last: {{extends: .j{n - 1}, script: [make]}}\n"
    }


def gitlab_extends_many(n: int) -> Tree:
    """Jobs that each extend one of many keys."""
    keys = ", ".join(f"K{i}: v" for i in range(n))
    return {
        ".gitlab-ci.yml": f"stages: [s]\n.base: {{image: 'a:1', variables: {{{keys}}}}}\n"
        + "".join(f"j{i}: {{extends: .base, stage: s, script: [make]}}\n" for i in range(n))
    }


def gitlab_references(n: int) -> Tree:
    return {
        ".gitlab-ci.yml": "stages: [s]\n.a: {script: ["
        + ", ".join(f"make t{i}" for i in range(n))
        + "]}\n"
        + "".join(f"j{i}: {{stage: s, script: [!reference [.a, script], x]}}\n" for i in range(n))
    }


def gitlab_rules(n: int) -> Tree:
    rules = "".join(f"    - if: '$CI_COMMIT_BRANCH == \"b{i}\" && $A =~ /^x{i}/'\n      changes: [d{i}/**/*]\n" for i in range(n))
    return {".gitlab-ci.yml": f"stages: [s]\na:\n  stage: s\n  script: [make]\n  rules:\n{rules}"}


def gitlab_includes(n: int) -> Tree:
    return {".gitlab-ci.yml": "include:\n" + "".join(f"  - local: ci/p{i}.yml\n" for i in range(n)) + "a: {script: [make]}\n"} | {
        f"ci/p{i}.yml": f"j{i}: {{script: [make], image: 'a:1'}}\n" for i in range(n)
    }


# Comments, Markdown, the rest


def comment_ignores(n: int) -> Tree:
    lines = "".join(f"# readiness: ignore[dockerfile/healthcheck-missing] because {i}\nRUN apt-get install p{i}\n" for i in range(n))
    return {"Dockerfile": f"FROM debian:12\n{lines}CMD a\n"}


def comment_beside_hashes(n: int) -> Tree:
    return {
        "k.yaml": f"# readiness: ignore[k8s/x] {'#' * n * 10}\n" + "# readiness:" + "#" * n * 10 + "\n" + deployment("d"),
        "Dockerfile": f"# readiness: {'# ' * n * 5}\nFROM alpine:3.20\nCMD a\n",
    }


def comments_at_lines(n: int) -> Tree:
    services = "".join(f"  s{i}:  # readiness: ignore[compose/restart-missing] reason {i}\n    image: nginx:latest\n" for i in range(n))
    return compose(services)


def comments_of_others(n: int) -> Tree:
    lines = "".join(
        f"# hadolint ignore=DL3008,DL3009\nRUN apt-get install p{i}\n# checkov:skip=CKV_DOCKER_3: x\n# trivy:ignore:DS002\n" for i in range(n)
    )
    return {"Dockerfile": f"FROM debian:12\n{lines}CMD a\n"}


def markdown_fences(n: int) -> Tree:
    return {"README.md": "# x\n" + "".join(f"```yaml\nservices:\n  s{i}: {{image: 'a:1'}}\n```\n" for i in range(n))}


def markdown_open_fences(n: int) -> Tree:
    return {"README.md": "# x\n" + "```\n~~~\n" * n}


def markdown_growing_fences(n: int) -> Tree:
    """Fences of another length each: none ends the one before it."""
    return {"README.md": "# x\n" + "".join("`" * (3 + (n - i) % 200) + " yaml\n" for i in range(n))}


def markdown_headings(n: int) -> Tree:
    return {"README.md": "".join(f"# h{i}\n\ntext *a* [l](d{i}/compose.yaml) for production `x`\n\n" for i in range(n)), "k.yaml": deployment("d")}


def markdown_files(n: int) -> Tree:
    return {f"d{i}/README.md": "# Example\n\nNot for production.\n\n```yaml\nservices: {a: {image: 'a:1'}}\n```\n" for i in range(n)} | {
        f"d{i}/compose.yaml": "services: {a: {image: 'a:1'}}\n" for i in range(n)
    }


def gitignore_lines(n: int) -> Tree:
    return {".gitignore": "".join(f"*a{i}*b\nx{i}/**/y*z\n!k{i}?.yaml\n" for i in range(n))} | {
        f"d{i}/k.yaml": deployment(f"d{i}") for i in range(min(n, 300))
    }


def gitignore_files(n: int) -> Tree:
    return {f"d{i}/.gitignore": "*.log\n/x\n" for i in range(n)} | {f"d{i}/k.yaml": deployment(f"d{i}") for i in range(n)}


def dotenv_lines(n: int) -> Tree:
    return {".env": "".join(f"A{i}=${{A{max(i - 1, 0)}}}x\nPASSWORD_{i}=correct-horse-{i}\n" for i in range(n))}


def plain_files(n: int) -> Tree:
    return {f"src/f{i}.txt": "x\n" for i in range(n)} | {"k.yaml": deployment("d")}


def shell_scripts(n: int) -> Tree:
    return {f"scripts/s{i}.sh": f"#!/bin/sh\nkubectl apply -f k8s/d{i}.yaml\ndocker build -t x{i} .\n" for i in range(n)} | {
        f"k8s/d{i}.yaml": deployment(f"d{i}") for i in range(n)
    }


def makefile_lines(n: int) -> Tree:
    return {"Makefile": "".join(f"t{i}:\n\tkubectl apply -f k8s/d{i}.yaml\n" for i in range(n))} | {
        f"k8s/d{i}.yaml": deployment(f"d{i}") for i in range(n)
    }


def secrets_in_one_line(n: int) -> Tree:
    return {"k.yaml": manifest("ConfigMap", "c", "data: {a: '" + " ".join(f"password=hunter{i}x9Q" for i in range(n)) + "'}")}


def dependabot_updates(n: int) -> Tree:
    return {
        ".github/dependabot.yml": "version: 2\nupdates:\n"
        + "".join(f"  - {{package-ecosystem: docker, directory: /d{i}, schedule: {{interval: weekly}}}}\n" for i in range(n))
    } | {f"d{i}/Dockerfile": "FROM alpine:3.20\nCMD a\n" for i in range(n)}


ALL: dict[str, Series] = {
    name: made
    for name, made in list(globals().items())
    if callable(made)
    and name.partition("_")[0]
    in {
        "compose",
        "yaml",
        "nginx",
        "k8s",
        "docker",
        "ci",
        "gitlab",
        "comment",
        "comments",
        "markdown",
        "gitignore",
        "dotenv",
        "plain",
        "shell",
        "makefile",
        "secrets",
        "dependabot",
    }
    and "_" in name
}
