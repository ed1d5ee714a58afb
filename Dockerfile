# The archive of `make dist` on Debian, which needs nothing more of it. docs/install.md says how to run it.
FROM debian:bookworm-slim AS unpacked
COPY dist/upi-*-linux-x86_64.tar.gz /tmp/
RUN mkdir /opt/upi && tar -xzf /tmp/upi-*.tar.gz -C /opt/upi --strip-components=1 --no-same-owner

FROM debian:bookworm-slim
COPY --from=unpacked /opt/upi /opt/upi
ENV PATH=/opt/upi/bin:$PATH
WORKDIR /opt/upi
ENTRYPOINT ["upi"]
CMD ["help"]
