# The service as an image:   docker build -t packhorse .
# It listens on every address of its container, which it refuses while there is no authorization unless told
# --insecure-allow-anonymous. So whoever runs it says so, and decides who can reach the published port:
#
#   docker run --rm -p 127.0.0.1:8417:8417 -v /path/to/repositories:/srv/git:ro \
#     -e PACKHORSE_INSECURE_ALLOW_ANONYMOUS=true packhorse

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./

# Install scripts are not needed: the only one fetches a Node.js, and the image has that.
FROM packages AS build
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY workers workers
RUN npm run build

FROM packages AS production
RUN npm ci --ignore-scripts --no-audit --no-fund --omit=dev

FROM node:24.21.0-bookworm-slim
# As process 1 tini passes signals on and reaps; Node.js there would not hear a signal before it has set its handlers.
RUN apt-get update \
  && apt-get install -y --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/* \
  && mkdir /srv/git \
  && install -d -o node -g node /var/cache/packhorse
WORKDIR /app
COPY LICENSE package.json ./
COPY deploy/healthcheck.js ./
COPY --from=production /app/node_modules node_modules
COPY --from=build /app/dist dist
# glibc would raise its threshold with every large buffer that is freed, and memory would come back from none (docs/operations.md).
ENV NODE_ENV=production \
  MALLOC_MMAP_THRESHOLD_=131072 \
  PACKHORSE_ROOT=/srv/git \
  PACKHORSE_CACHE_DIR=/var/cache/packhorse \
  PACKHORSE_HOST=0.0.0.0 \
  PACKHORSE_METRICS_HOST=0.0.0.0
# The user of the base image, uid and gid 1000. Nothing that the service reads needs to be its own.
USER node
# 8417: repositories. 9417: /metrics, /livez and /readyz.
EXPOSE 8417 9417
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "healthcheck.js"]
ENTRYPOINT ["tini", "--", "node", "dist/src/main.js"]
CMD ["serve"]
