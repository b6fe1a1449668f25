# ruff: noqa: E501 - a way is a line
"""Ways to write a secret into a file: what stands for it in a text is `§`, its base64 `§64`, and its form in a URL `§url`.

A way is told by kind and syntax form; each is a file of its own, so that nothing masks one for the other.
"""

from __future__ import annotations

import base64
import hashlib
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from readiness.syntax import secrets

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  containers:
    - name: app
      image: acme/app:1.4.0
"""
OBJECT = "apiVersion: v1\nkind: %s\nmetadata: {name: shop}\n"
# Below services.app of a compose file.
IN_SERVICE = {
    "mapping": "environment: {DB_PASSWORD: §}",
    "block mapping": "environment:\n  DB_PASSWORD: §",
    "double quotes": 'environment:\n  DB_PASSWORD: "§"',
    "single quotes": "environment:\n  DB_PASSWORD: '§'",
    "escapes": 'environment:\n  DB_PASSWORD: "§esc"',
    "quotes with blanks": 'environment:\n  DB_PASSWORD: "one § two words"',
    "list": "environment:\n  - DB_PASSWORD=§",
    "quoted list": 'environment:\n  - "DB_PASSWORD=§"',
    "flow list": 'environment: [MODE=a, "API_TOKEN=§"]',
    "literal block": "environment:\n  DB_PASSWORD: |\n    §",
    "literal block, stripped": "environment:\n  DB_PASSWORD: |-\n    §\n    second-line",
    "folded block": "environment:\n  DB_PASSWORD: >-\n    §\n    more",
    "plain over lines": "environment:\n  DB_PASSWORD:\n    §",
    "anchor": "environment:\n  DB_PASSWORD: &pw §\n  COPY: *pw",
    "tag": "environment:\n  DB_PASSWORD: !!str §",
    "anchor and tag": "environment:\n  DB_PASSWORD: &pw !!str '§'",
    "alias far away": "environment:\n  A: &pw §\n  DB_PASSWORD: *pw",
    "merged": "environment:\n  <<: {DB_PASSWORD: §}\n  A: b",
    "complex key": "environment:\n  ? DB_PASSWORD\n  : §",
    "quoted key": 'environment:\n  "DB_PASSWORD": §',
    "one-line json": 'environment: {"DB_PASSWORD":"§"}',
    "default": "environment:\n  DB_PASSWORD: ${DB_PASSWORD:-§}",
    "default without colon": "environment: ['DB_PASSWORD=${DB_PASSWORD-§}']",
    "nested default": "environment:\n  DB_PASSWORD: ${A_PASSWORD:-${B_PASSWORD:-§}}",
    "url": "environment:\n  DATABASE_URL: postgres://shop:§@db:5432/shop",
    "url without a user": "environment:\n  CACHE_URL: redis://:§@cache:6379",
    "url with a token for a user": "environment:\n  REPO: https://§@git.example.org/shop.git",
    "url in quotes": "environment:\n  - 'AMQP=amqp://shop:§@mq/%2f'",
    "connection string": "environment:\n  CS: Server=db;User Id=sa;Password=§;Database=shop",
    "query of a url": "environment:\n  HOOK: https://hooks.example.org/x?token=§&a=b",
    "jdbc": "environment:\n  JDBC: jdbc:postgresql://db/shop?user=a&password=§",
    "json in a string": """environment:\n  CONFIG: '{"password": "§", "a": 1}'""",
    "build argument": "build: {context: ., args: {NPM_TOKEN: §}}",
    "build argument in a list": "build:\n  context: .\n  args:\n    - NPM_TOKEN=§",
    "label": "labels:\n  - traefik.http.middlewares.auth.password=§",
    "label by key": "labels:\n  com.acme.api-token: §",
    "command, string": "command: redis-server --requirepass §",
    "command, equals": "command: serve --db-password=§ --fast",
    "command, exec form": 'command: ["redis-server", "--requirepass", "§"]',
    "command, block list": "command:\n  - redis-server\n  - --requirepass\n  - §",
    "command, block list, equals": "command:\n  - serve\n  - --api-token=§",
    "command, assignment": 'command: sh -c "PGPASSWORD=§ psql -h db"',
    "command, redis-cli": "command: redis-cli -a § ping",
    "command, redis-cli as a list": 'command: ["redis-cli", "-h", "cache", "-a", "§", "ping"]',
    "command, mysql": "command: mysqladmin ping -uroot -p§",
    "command, folded": "command: >\n  serve\n  --db-password §\n  --fast",
    "probe": 'healthcheck: {test: ["CMD-SHELL", "mysql -u root -p§ -e 1"]}',
    "probe, curl": 'healthcheck: {test: ["CMD", "curl", "-u", "admin:§", "http://localhost"]}',
    "probe, header": "healthcheck:\n  test: curl -H 'Authorization: Bearer §' http://localhost",
    "probe, own header": "healthcheck:\n  test: [CMD, curl, -H, 'X-Api-Key: §', 'http://localhost']",
    "comment beside": "environment:\n  DB_PASSWORD: § # was set by hand",
    "comment": "# DB_PASSWORD=§\nenvironment: {A: b}",
    "comment behind": "user: root # password: §",
    "driver's options": "volumes:\n  - type: volume\n    source: x\n    target: /x\n    volume: {nocopy: true}\nx-opts: {password: §}",
    "entrypoint": "entrypoint: [mongod, --username, root, --password, §]",
    "mc": "entrypoint: sh -c 'mc alias set s3 http://minio:9000 minio §'",
    "hook": "post_start:\n  - command: sh -c 'echo § | docker login -u bob --password-stdin'",
}
IN_COMPOSE = {
    "secret's content": "secrets:\n  token_of_x:\n    content: §",
    "secret's content, block": "secrets:\n  x:\n    content: |\n      §\n      more",
    "secret's content, flow": "secrets: {x: {content: '§'}}",
    "config's content": "configs:\n  app:\n    content: |\n      [db]\n      password = §",
    "extension": "x-env: &env\n  API_KEY: §",
    "extension, template": "x-auth:\n  credentials: {user: a, password: §}",
    "volume's options": "volumes:\n  share:\n    driver_opts: {type: cifs, o: 'username=a,password=§', device: //s/x}",
}
IN_POD = {
    "variable": "env:\n  - name: DB_PASSWORD\n    value: §",
    "variable, value first": "env:\n  - value: §\n    name: DB_PASSWORD",
    "variable, flow": "env: [{name: DB_PASSWORD, value: §}]",
    "variable, flow, value first": "env: [{value: §, name: DB_PASSWORD}]",
    "variable, one line of json": 'env: [{"name":"DB_PASSWORD","value":"§"}]',
    "variable, quoted": "env:\n  - name: 'DB_PASSWORD'\n    value: \"§\"",
    "variable, block": "env:\n  - name: DB_PASSWORD\n    value: |-\n      §",
    "variable, folded": "env:\n  - name: DB_PASSWORD\n    value: >\n      §\n      more",
    "variable, apart": "env:\n  - name: DB_PASSWORD\n    # the password of the database\n\n    value: §",
    "variable, url": "env:\n  - name: DSN\n    value: postgres://shop:§@db/shop",
    "arguments": "args:\n  - --db-password=§",
    "arguments, apart": "args:\n  - --db-password\n  - §",
    "arguments, flow": 'args: ["--token", "§"]',
    "script": "command: [sh, -c]\nargs:\n  - |\n    export PGPASSWORD=§\n    psql",
    "script, login": "command: [sh, -c, 'docker login -u bob -p § registry.example.org']",
    "script, here-document": "command:\n  - sh\n  - -c\n  - |\n    cat > /etc/app.ini <<EOF\n    password = §\n    EOF",
    "script, chpasswd": "command: [sh, -c, 'echo \"root:§\" | chpasswd']",
    "script, sshpass": "command: [sshpass, -p, §, ssh, host]",
    "probe": "livenessProbe: {exec: {command: [redis-cli, -a, §, ping]}}",
    "probe, header": "livenessProbe:\n  httpGet:\n    port: 80\n    httpHeaders: [{name: Authorization, value: Bearer §}]",
    "probe, own header": "livenessProbe:\n  httpGet:\n    port: 80\n    httpHeaders:\n      - name: X-Auth-Token\n        value: §",
    "hook": "lifecycle: {postStart: {exec: {command: [sh, -c, 'vault login §']}}}",
}
KUBERNETES = {
    "secret": OBJECT % "Secret" + "stringData:\n  db: §",
    "secret, flow": OBJECT % "Secret" + "stringData: {db: §}",
    "secret, one line": "{apiVersion: v1, kind: Secret, metadata: {name: shop}, stringData: {db: §}}",
    "secret, json": '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop"},\n "stringData": {"db": "§"}}',
    "secret, quoted": OBJECT % "Secret" + "stringData:\n  db: '§'",
    "secret, block": OBJECT % "Secret" + "stringData:\n  config.ini: |\n    [db]\n    x = §",
    "secret, folded": OBJECT % "Secret" + "stringData:\n  x: >-\n    §\n    more",
    "secret, anchored": OBJECT % "Secret" + "stringData:\n  x: &x §\n  y: *x",
    "secret, tagged": OBJECT % "Secret" + "stringData:\n  x: !!str §",
    "secret, base64": OBJECT % "Secret" + "data:\n  db: §64",
    "secret, base64, flow": OBJECT % "Secret" + "data: {db: §64}",
    "secret, base64, quoted": OBJECT % "Secret" + 'data:\n  db: "§64"',
    "secret, base64, block": OBJECT % "Secret" + "data:\n  db: |\n    §64",
    "secret, base64, tagged": OBJECT % "Secret" + "data:\n  db: !!binary §64",
    "secret, kind last": "stringData:\n  db: §\nmetadata: {name: shop}\nkind: Secret\napiVersion: v1",
    "secret, kind quoted": OBJECT % '"Secret"' + "stringData:\n  db: §",
    "secret, second document": POD + "---\n" + OBJECT % "Secret" + "stringData:\n  db: §",
    "secret, in a list": "apiVersion: v1\nkind: List\nitems:\n  - " + (OBJECT % "Secret").replace("\n", "\n    ") + "stringData:\n      db: §",
    "secret, last applied": OBJECT.replace(
        "{name: shop}",
        '\n  name: shop\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: \'{"kind":"Secret","stringData":{"db":"§"}}\'\n',
    )
    % "Secret",
    "secret of a docker registry": OBJECT % "Secret"
    + 'type: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: \'{"auths":{"r.io":{"auth":"§"}}}\'',
    "config map": OBJECT % "ConfigMap" + "data:\n  DB_PASSWORD: §",
    "config map, flow": OBJECT % "ConfigMap" + "data: {DB_PASSWORD: '§'}",
    "config map, file": OBJECT % "ConfigMap" + "data:\n  app.properties: |\n    db.user=a\n    db.password=§",
    "config map, json file": OBJECT % "ConfigMap" + 'data:\n  app.json: |\n    {"db": {"password": "§"}}',
    "config map, yaml file": OBJECT % "ConfigMap" + "data:\n  app.yaml: |\n    db:\n      password: §",
    "config map, redis": OBJECT % "ConfigMap" + "data:\n  redis.conf: |\n    requirepass §",
    "config map, sql": OBJECT % "ConfigMap" + "data:\n  init.sql: |\n    CREATE USER shop WITH PASSWORD '§';",
    "config map, sql of mysql": OBJECT % "ConfigMap" + "data:\n  init.sql: |\n    CREATE USER 'shop'@'%' IDENTIFIED BY '§';",
    "config map, netrc": OBJECT % "ConfigMap" + "data:\n  .netrc: machine git.example.org login bob password §",
    "config map, pgpass": OBJECT % "ConfigMap" + 'data:\n  .pgpass: "db:5432:shop:shop:§"',
    "config map, npmrc": OBJECT % "ConfigMap" + "data:\n  .npmrc: //registry.npmjs.org/:_authToken=§",
    "config map, xml": OBJECT % "ConfigMap" + "data:\n  a.xml: |\n    <db><password>§</password></db>",
    "config map, toml": OBJECT % "ConfigMap" + 'data:\n  a.toml: |\n    password = "§"',
    "annotation": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\n  annotations:\n    acme.io/api-token: §\nspec: {containers: [{name: a, image: 'a:1.0.0'}]}",
    "custom resource": "apiVersion: acme.io/v1\nkind: Database\nmetadata: {name: shop}\nspec:\n  auth:\n    password: §",
    "custom resource, value below": "apiVersion: acme.io/v1\nkind: Database\nmetadata: {name: shop}\nspec:\n  password:\n    value: §",
    "kustomization": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n  - name: x\n    literals:\n      - db-password=§",
    "kustomization, any key": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n  - name: x\n    literals: [anything=§]",
    "argo parameters": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source:\n    helm:\n      parameters:\n        - name: db.password\n          value: §",
    "argo values": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source:\n    helm:\n      values: |\n        db:\n          password: §",
}
DOCKERFILE = {
    "variable": "ENV DB_PASSWORD=§",
    "variable, quoted": 'ENV DB_PASSWORD="§"',
    "variable, old form": "ENV DB_PASSWORD §",
    "variable, second": "ENV A=b DB_PASSWORD=§ C=d",
    "variable, over lines": "ENV A=b \\\n    DB_PASSWORD=§ \\\n    C=d",
    "variable, value over lines": "ENV DB_PASSWORD=\\\n§",
    "argument": "ARG NPM_TOKEN=§",
    "argument, quoted": "ARG NPM_TOKEN='§'",
    "label": 'LABEL acme.token="§"',
    "shell": "RUN export DB_PASSWORD=§ && make",
    "shell, prefix": "RUN DB_PASSWORD='§' make",
    "shell, login": "RUN docker login -u bob -p § registry.example.org",
    "shell, login, equals": "RUN helm registry login -u bob --password=§ r.example.org",
    "shell, url": "RUN git clone https://bob:§@git.example.org/shop.git",
    "shell, token in a url": "RUN git clone https://oauth2:§@git.example.org/shop.git",
    "shell, token alone in a url": "RUN pip install git+https://§@git.example.org/shop.git",
    "shell, curl": "RUN curl -u bob:§ https://example.org/x | tar x",
    "shell, curl, glued": "RUN curl -ubob:§ https://example.org/x -o x",
    "shell, curl, long": "RUN curl --user 'bob:§' https://example.org/x -o x",
    "shell, curl, header": 'RUN curl -H "PRIVATE-TOKEN: §" https://example.org/x -o x',
    "shell, wget": "RUN wget --http-password=§ https://example.org/x",
    "shell, psql": 'RUN PGPASSWORD="§" psql -c "select 1"',
    "shell, sql": "RUN psql -c \"ALTER USER a WITH PASSWORD '§'\"",
    "shell, chpasswd": "RUN echo 'root:§' | chpasswd",
    "shell, stdin": "RUN echo § | docker login -u bob --password-stdin",
    "shell, stdin of a quoted word": "RUN echo '§' | gh auth login --with-token",
    "shell, here-string": "RUN docker login -u bob --password-stdin <<< §",
    "shell, sshpass": "RUN sshpass -p§ ssh a@b",
    "shell, openssl": "RUN openssl rsa -passin pass:§ -in k.pem",
    "shell, keytool": "RUN keytool -genkey -storepass § -keypass x",
    "shell, zip": "RUN unzip -P § a.zip",
    "shell, gpg": "RUN gpg --batch --passphrase § -d a.gpg",
    "shell, htpasswd": "RUN htpasswd -bc /etc/nginx/.htpasswd bob §",
    "shell, npm": "RUN npm config set //registry.npmjs.org/:_authToken §",
    "shell, npmrc": 'RUN echo "//registry.npmjs.org/:_authToken=§" > .npmrc',
    "shell, aws": "RUN aws configure set aws_secret_access_key §",
    "shell, rabbitmq": "RUN rabbitmqctl add_user bob §",
    "shell, rabbitmq, change": "RUN rabbitmqctl change_password bob §",
    "shell, mongo": "RUN mongosh -u root -p § --eval 1",
    "shell, ldap": "RUN ldapadd -D cn=admin -w § -f a.ldif",
    "shell, useradd": "RUN useradd -m -p § bob",
    "shell, azure": "RUN az login --service-principal -u app -p § --tenant t",
    "shell, vault": "RUN vault login §",
    "shell, kubectl": "RUN kubectl create secret generic x --from-literal=any=§",
    "shell, helm": "RUN helm upgrade x . --set db.password=§",
    "shell, over lines": "RUN make \\\n  --token \\\n  § \\\n  --fast",
    "shell, mount": "RUN --mount=type=cache,target=/x NPM_TOKEN=§ npm ci",
    "exec form": 'RUN ["run", "--password", "§"]',
    "start, exec form": 'CMD ["redis-server", "--requirepass", "§"]',
    "start, shell form": "CMD redis-server --requirepass §",
    "entry point": 'ENTRYPOINT ["serve", "--api-token=§"]',
    "probe": "HEALTHCHECK CMD mysqladmin ping -uroot -p§",
    "on build": "ONBUILD ENV DB_PASSWORD=§",
    "here-document": "RUN <<EOF\nexport API_TOKEN=§\nmake\nEOF",
    "here-document, file": "COPY <<EOF /etc/app.ini\n[db]\npassword = §\nEOF",
    "here-document, quoted": "RUN cat <<'EOF' > /app/.env\nDB_PASSWORD=§\nEOF",
    "unknown instruction": "PASSWORD §",
    "unknown instruction, other": "DB_PASSWORD §",
    "unknown instruction, equals": "SECRET_KEY = §",
    "private key in one line": 'ENV KEY="-----BEGIN RSA PRIVATE KEY-----\\n§\\n-----END RSA PRIVATE KEY-----"',
    "private key by echo": "RUN echo '-----BEGIN OPENSSH PRIVATE KEY----- § -----END OPENSSH PRIVATE KEY-----' > k",
    "comment": "# token: §\nRUN make",
    "copied from": "COPY --from=https://bob:§@r.example.org/x /a /b",
    "added": "ADD https://bob:§@example.org/x.tgz /",
    "base": "FROM bob:§@registry.example.org/x:1",
}
NGINX = {
    "map's key": 'map $http_x_api_key $ok { default 0; "§" 1; }',
    "map's key, plain": "map $http_authorization $ok {\n  default 0;\n  § 1;\n}",
    "map's key, scheme": 'map $http_authorization $ok {\n  default 0;\n  "Bearer §" 1;\n}',
    "map's key, regex": "map $arg_token $ok {\n  default 0;\n  ~^§$ 1;\n}",
    "map's value": "map $host $api_token {\n  default §;\n}",
    "header to a backend": 'server { location / { proxy_set_header Authorization "Basic §64"; proxy_pass http://a; } }',
    "bearer to a backend": 'server { location / { proxy_set_header Authorization "Bearer §"; proxy_pass http://a; } }',
    "own header to a backend": "server { location / { proxy_set_header X-Api-Key §; proxy_pass http://a; } }",
    "header over lines": 'server {\n  location / {\n    proxy_set_header X-Auth-Token\n      "§";\n    proxy_pass http://a;\n  }\n}',
    "header to a client": "server { add_header X-Secret-Token '§'; }",
    "variable": "server { set $api_token §; }",
    "variable, quoted": 'server { set $db_password "§"; }',
    "condition": 'server { if ($http_x_token != "§") { return 403; } }',
    "condition, argument": "server { if ($arg_key = §) { return 403; } }",
    "cookie": 'server { if ($cookie_auth_token != "§") { return 403; } }',
    "parameter": "server { location / { fastcgi_param DB_PASSWORD §; fastcgi_pass a; } }",
    "backend's url": "server { location / { proxy_pass http://bob:§@backend/; } }",
    "main environment": "env DB_PASSWORD=§;",
    "secure link": 'server { location / { secure_link_md5 "$secure_link_expires$uri §"; } }',
    "redirect": "server { return 302 https://example.org/?token=§; }",
    "rewrite": "server { rewrite ^ /x?api_key=§ last; }",
    "comment": "server { # password: §\n}",
    "log format": "log_format x 'api_key=§ $uri';",
    "broken": "server {\n  set $api_token §\n  listen 80;\n}",
    "broken, header": 'server {\n  proxy_set_header X-Api-Key "§"\n}',
    "unknown directive": "server { api_secret §; }",
}
GITHUB_HEAD = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n"
GITHUB = {
    "environment": "on: push\nenv:\n  API_TOKEN: §\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: make}]}}",
    "job's environment": GITHUB_HEAD + "    env: {API_TOKEN: §}\n    steps: [{run: make}]",
    "step's environment": GITHUB_HEAD + "    steps:\n      - run: make\n        env:\n          DB_PASSWORD: '§'",
    "input of an action": GITHUB_HEAD + "    steps:\n      - uses: docker/login-action@v3\n        with: {username: bob, password: §}",
    "input of an action, block": GITHUB_HEAD + "    steps:\n      - uses: a/b@v1\n        with:\n          token: §",
    "input of several lines": GITHUB_HEAD
    + "    steps:\n      - uses: a/b@v1\n        with:\n          build-args: |\n            A=b\n            NPM_TOKEN=§",
    "private key of an action": GITHUB_HEAD
    + "    steps:\n      - uses: a/b@v1\n        with:\n          ssh-private-key: |\n            §\n            more",
    "matrix": GITHUB_HEAD + "    strategy: {matrix: {token: [§, other]}}\n    steps: [{run: make}]",
    "matrix, block": GITHUB_HEAD + "    strategy:\n      matrix:\n        api_key:\n          - one\n          - §\n    steps: [{run: make}]",
    "matrix, include": GITHUB_HEAD + "    strategy: {matrix: {include: [{os: a, password: §}]}}\n    steps: [{run: make}]",
    "default of an input": "on:\n  workflow_dispatch:\n    inputs:\n      password:\n        description: for the database\n        default: §\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: make}]}}",
    "default of an input, flow": "on: {workflow_dispatch: {inputs: {api_token: {default: §}}}}\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: make}]}}",
    "default of a called input": "on:\n  workflow_call:\n    inputs:\n      token: {type: string, default: '§'}\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: make}]}}",
    "output": GITHUB_HEAD + "    outputs: {token: §}\n    steps: [{run: make}]",
    "output of a called workflow": "on:\n  workflow_call:\n    outputs:\n      token: {value: §}\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: make}]}}",
    "secrets handed on": "on: push\njobs:\n  a:\n    uses: ./.github/workflows/x.yml\n    secrets: {deploy_token: §}",
    "service container": GITHUB_HEAD + "    services: {db: {image: 'postgres:16', env: {POSTGRES_PASSWORD: §}}}\n    steps: [{run: make}]",
    "service's credentials": GITHUB_HEAD + "    container: {image: x, credentials: {username: bob, password: §}}\n    steps: [{run: make}]",
    "service's options": GITHUB_HEAD + "    services: {db: {image: 'redis:7', options: '--env REDIS_PASSWORD=§'}}\n    steps: [{run: make}]",
    "script": GITHUB_HEAD + "    steps:\n      - run: docker login -u bob -p §",
    "script of lines": GITHUB_HEAD + "    steps:\n      - run: |\n          export API_TOKEN=§\n          make",
    "script, output": GITHUB_HEAD + '    steps:\n      - run: echo "token=§" >> $GITHUB_OUTPUT',
    "script, mask": GITHUB_HEAD + "    steps:\n      - run: echo '::add-mask::§'",
    "script, powershell": GITHUB_HEAD + '    steps:\n      - shell: pwsh\n        run: $env:API_TOKEN = "§"',
    "script, continued": GITHUB_HEAD + "    steps:\n      - run: |\n          curl -u \\\n            bob:§ https://x",
    "fallback of an expression": GITHUB_HEAD + "    steps:\n      - run: make\n        env: {API_TOKEN: \"${{ secrets.API_TOKEN || '§' }}\"}",
    "condition": GITHUB_HEAD + "    if: github.event.inputs.password == '§'\n    steps: [{run: make}]",
    "defaults of an action's inputs": (
        "action.yml",
        "name: a\ndescription: b\ninputs:\n  token: {description: c, default: §}\nruns: {using: composite, steps: [{run: make, shell: bash}]}",
    ),
    "broken": GITHUB_HEAD + "    env:\n      API_TOKEN: §\n    steps: [",
    "broken on its line": GITHUB_HEAD + "    env: {API_TOKEN: §\n    steps: 3",
    "broken quote": GITHUB_HEAD + '    env:\n      API_TOKEN: "§\n    steps: [{run: make}]',
}
GITLAB = {
    "variables": "variables: {API_TOKEN: §}\na: {script: [make]}",
    "variables, block": "variables:\n  API_TOKEN: '§'\na: {script: [make]}",
    "variable with a description": "variables:\n  DB_PASSWORD:\n    description: for the database\n    value: §\na: {script: [make]}",
    "variable with options": "variables:\n  DEPLOY_TOKEN: {value: a, options: [a, §]}\na: {script: [make]}",
    "job's variables": "a:\n  variables: {DB_PASSWORD: §}\n  script: [make]",
    "matrix": "a:\n  parallel: {matrix: [{API_TOKEN: [§, other]}]}\n  script: [make]",
    "script": "a:\n  script:\n    - docker login -u bob -p § registry.example.org",
    "script, stdin": "a:\n  script:\n    - echo § | docker login -u bob --password-stdin",
    "script, block": "a:\n  before_script:\n    - |\n      export API_TOKEN=§\n      make",
    "service": "a:\n  services: [{name: 'postgres:16', variables: {POSTGRES_PASSWORD: §}}]\n  script: [make]",
    "service's command": "a:\n  services: [{name: 'redis:7', command: [redis-server, --requirepass, §]}]\n  script: [make]",
    "input": "spec:\n  inputs:\n    token: {default: §}\n---\na: {script: [make]}",
    "rule": "a:\n  rules: [{if: '$DEPLOY_TOKEN == \"§\"'}]\n  script: [make]",
    "header": "a:\n  script:\n    - 'curl --header \"PRIVATE-TOKEN: §\" https://example.org'",
    "token with a user": "a:\n  script: ['git push https://ci:§@gitlab.example.org/x.git']",
}
DOTENV = {
    "plain": "DB_PASSWORD=§",
    "exported": "export DB_PASSWORD=§",
    "quoted": 'DB_PASSWORD="§"',
    "single quotes": "DB_PASSWORD='§ more'",
    "blanks": "DB_PASSWORD = §",
    "several lines": 'DB_PASSWORD="first\n§\nlast"',
    "private key": 'KEY="-----BEGIN PRIVATE KEY-----\n§\n-----END PRIVATE KEY-----"',
    "private key in one line": 'KEY="-----BEGIN PRIVATE KEY-----\\n§\\n-----END PRIVATE KEY-----"',
    "url": "DSN=postgres://u:§@db/x",
    "url, encoded": "DSN=postgres://u:§url@db/x",
    "filled in": "DB_PASSWORD=§\nDSN=a-${DB_PASSWORD}",
    "default": "DSN=${DB_PASSWORD:-§}",
    "comment": "# DB_PASSWORD=§",
    "comment behind": "A=b # token=§",
    "not closed": "DB_PASSWORD='§\nNEXT=1",
    "not a name": "DB PASSWORD=§",
    "colon": "DB_PASSWORD: §",
    "json": """FIREBASE='{"type": "service_account", "private_key": "§"}'""",
}
CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
        - name: app
          image: acme/app:1.4.0
          env:
            - name: DB_PASSWORD
              value: {{ .Values.db.password | quote }}
"""
# Charts: the values, a template beside the Deployment.
HELM = {
    "values": ("db: {password: §}", ""),
    "values, block": ("db:\n  password: '§'", ""),
    "name made of a value": (
        "db:\n  password: §",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: x-{{ .Values.db.password }}\nspec: {ports: [{port: 80}]}\n",
    ),
    "image made of a value": (
        "db:\n  password: §",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: 'x:{{ .Values.db.password }}'}]}\n",
    ),
    "fail": ("db:\n  password: §", '{{ fail (printf "bad: %s" .Values.db.password) }}\n'),
    "fail, plain": ("db: {password: §}", "{{ fail .Values.db.password }}\n"),
    "fail, quoted": ("db:\n  password: §", '{{ fail (printf "bad: %q" .Values.db.password) }}\n'),
    "fail, base64": ("db:\n  password: §", "{{ fail (.Values.db.password | b64enc) }}\n"),
    "type error": ("db:\n  password: §", "a: {{ index .Values.db.password 0 1 }}\n"),
    "broken yaml": ("db:\n  password: §", "a: {{ .Values.db.password }}\n b: [\n"),
    "secret": ("db:\n  password: §", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata:\n  p: {{ .Values.db.password | b64enc }}\n"),
    "secret of any value": (
        "db: {password: a}\nother: §",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  p: {{ .Values.other }}\n",
    ),
    "literal of a template": ("db: {password: a}", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  p: §\n"),
    "default of a template": (
        "db: {password: a}",
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  DB_PASSWORD: {{ default "§" .Values.password }}\n',
    ),
}


class Planted(NamedTuple):
    """A secret in a file: by which way, its value, and the files of a folder of its own."""

    way: str
    value: str
    files: dict[str, str]


def ways() -> Iterator[tuple[str, dict[str, str]]]:
    """(name, files) of each way."""
    for name, text in IN_SERVICE.items():
        yield f"compose, {name}", {"compose.yaml": "services:\n  app:\n    image: acme/app:1.4.0\n" + textwrap.indent(text + "\n", "    ")}
    for name, text in IN_COMPOSE.items():
        yield f"compose, {name}", {"compose.yaml": f"services:\n  app:\n    image: acme/app:1.4.0\n{text}\n"}
    for name, text in IN_POD.items():
        yield f"kubernetes, {name}", {"pod.yaml": POD + textwrap.indent(text + "\n", "      ")}
    for name, text in KUBERNETES.items():
        file = "kustomization.yaml" if "kustomization" in name else "k.json" if name == "secret, json" else "k.yaml"
        yield f"kubernetes, {name}", {file: text + "\n"}
    for name, text in DOCKERFILE.items():
        yield f"dockerfile, {name}", {"Dockerfile": f"FROM debian:12.8\n{text}\nCMD x\n"}
    for name, text in NGINX.items():
        yield (
            f"nginx, {name}",
            {"nginx.conf": f"{text}\nevents {{}}\nhttp {{}}\n" if name == "main environment" else f"events {{}}\nhttp {{\n{text}\n}}\n"},
        )
    for name, given in GITHUB.items():
        path, text = given if isinstance(given, tuple) else (".github/workflows/ci.yml", given)
        yield f"github, {name}", {path: text + "\n"}
    for name, text in GITLAB.items():
        yield f"gitlab, {name}", {".gitlab-ci.yml": text + "\n"}
    for name, text in DOTENV.items():
        compose = "services:\n  app:\n    image: acme/app:1.4.0\n    env_file: .env\n    labels: ['a=${DSN}${DB_PASSWORD}${KEY}']\n"
        yield f"dotenv, {name}", {".env": text + "\n", "compose.yaml": compose}
    for name, (values, template) in HELM.items():
        files = {"Chart.yaml": CHART, "values.yaml": values + "\n", "templates/d.yaml": DEPLOYMENT, "templates/x.yaml": template}
        yield f"helm, {name}", {path: text for path, text in files.items() if text}


def planted() -> list[Planted]:
    """Each way with a value of its own, such as a machine makes."""
    made = []
    for number, (way, files) in enumerate(ways()):
        value = made_value(number)
        coded = base64.b64encode(value.encode()).decode()
        forms = {"§64": coded, "§url": f"%{ord(value[0]):02X}{value[1:]}", "§esc": f"\\x{ord(value[0]):02x}{value[1:]}", "§": value}
        made.append(Planted(way, value, {path: _filled_in(content, forms) for path, content in files.items()}))
    return made


def _filled_in(content: str, forms: dict[str, str]) -> str:
    for form, text in forms.items():
        content = content.replace(form, text)
    return content


def made_value(number: int) -> str:
    """A value of 16 letters and digits that stands in nothing else, the same for the same number."""
    for salt in range(100):
        value = base64.b64encode(hashlib.sha256(f"{number} {salt}".encode()).digest(), b"zZ").decode()[:16]
        if secrets.secret_strength_of(value) is secrets.SecretStrength.RANDOM:
            return value
    raise AssertionError(number)
