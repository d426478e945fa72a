# The service as an image: docs/docker.md. Nothing in it is compiled for a machine, so any base with Node 24 will do.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without what only an editor or a debugger reads: more than half of it.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
  && rm -rf node_modules/effect/src node_modules/effect/ai-docs node_modules/@effect/*/src

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="understudy" \
  org.opencontainers.image.description="Stands in for an AI provider that cannot answer" \
  org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
COPY templates ./templates
# The folder of the embedded database: a new volume takes its owner over. And readable whatever the umask of who builds.
RUN install -d -o 1000 -g 1000 -m 0700 /data && chmod -R a+rX package.json src templates
# On all interfaces, for a container's loopback is nobody else's: which port is published, and where, decides who gets in.
ENV NODE_ENV=production \
  HOST=0.0.0.0 \
  PORT=3000 \
  DATA_DIR=/data
VOLUME /data
EXPOSE 3000
# `node` of the base image, as a number, by which Kubernetes sees that it is not root.
USER 1000:1000
STOPSIGNAL SIGTERM
# In the exec form: the signal arrives, and arguments are commands (docker run … understudy doctor).
ENTRYPOINT ["node", "src/main.ts"]
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`, { signal: AbortSignal.timeout(4000) }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
