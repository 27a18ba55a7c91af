# An image with graphrun and nothing else: no shell, no root. Graphs whose nodes
# run programs (`exec`) need an image that has those programs; build it on this
# one's binary.
#
#   docker build -t graphrun --build-arg VERSION=0.1.0 .
#   docker run -v "$PWD/graphs:/graphs:ro" -v graphrun:/var/lib/graphrun -p 127.0.0.1:7878:7878 graphrun
FROM golang:1.26 AS build
ARG VERSION=
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/graphrun ./cmd/graphrun \
	&& mkdir -m 0700 /out/store

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/graphrun /usr/local/bin/graphrun
COPY --from=build --chown=nonroot:nonroot /out/store /var/lib/graphrun
USER nonroot
VOLUME /var/lib/graphrun
EXPOSE 7878
# The port is reached from outside the container, so it is not bound to localhost
# in it: give it to networks that are yours alone (-p 127.0.0.1:7878:7878).
ENTRYPOINT ["/usr/local/bin/graphrun", "--db", "/var/lib/graphrun/graphrun.db"]
CMD ["serve", "/graphs", "--listen", "0.0.0.0:7878", "--insecure"]
