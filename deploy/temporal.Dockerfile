# An image with graphrun-temporal and nothing else, for workers and commands on a Temporal cluster. It was
# not built. Graphs whose nodes run programs (`exec`) need an image that has those programs.
#
#   docker build -t graphrun-temporal -f deploy/temporal.Dockerfile .
FROM golang:1.26 AS build
ARG VERSION=
WORKDIR /src
COPY . .
WORKDIR /src/runtime/temporaldriver
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/graphrun-temporal ./cmd/graphrun-temporal \
	&& mkdir -m 0700 /out/blobs

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/graphrun-temporal /usr/local/bin/graphrun-temporal
COPY --from=build --chown=nonroot:nonroot /out/blobs /blobs
USER nonroot
VOLUME /blobs
ENTRYPOINT ["/usr/local/bin/graphrun-temporal"]
CMD ["worker"]
