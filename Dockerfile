# The service as an image: Node.js and the package, run as a user without rights.   docker build -t packhorse .
# It listens on every address of its container, which it refuses without authorization (--auth) unless told
# --insecure-allow-anonymous. So whoever runs it says so, and decides who can reach the published port:
#
#   docker run --rm --init -p 127.0.0.1:8417:8417 -v /path/to/repositories:/srv/git:ro \
#     -e PACKHORSE_INSECURE_ALLOW_ANONYMOUS=true packhorse
#
# docs/deployment.md says how packages that only some need come into it.

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
# What the base image has to install packages with is not needed.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
    /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
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
ENTRYPOINT ["node", "dist/src/main.js"]
CMD ["serve"]
