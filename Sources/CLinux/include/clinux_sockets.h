// SPDX-License-Identifier: Apache-2.0
#ifndef CLINUX_SOCKETS_H
#define CLINUX_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// A socket address as the kernel wants it, IPv4 or IPv6.
struct clinux_address {
  uint8_t bytes[28];
  uint32_t count;
};

// Addresses of a name by /etc/hosts and DNS, best first: how many were found, or a negative
// CLINUX_RESOLVE_… . Blocks.
int clinux_resolve(const char *host, uint16_t port, struct clinux_address *out, int capacity);
// 1 if text is an address, else 0.
int clinux_address_parse(const char *text, uint16_t port, struct clinux_address *out);
// The address without its port, zero-terminated.
void clinux_address_text(const struct clinux_address *address, char *out, size_t capacity);
int clinux_address_is_ipv6(const struct clinux_address *address);
// The first IPv4 address of a network interface: 0, or -1 and errno.
int clinux_interface_ipv4(const char *interface, struct clinux_address *out);

// A TCP socket that never blocks, close-on-exec, without Nagle's delay.
int clinux_tcp_socket(const struct clinux_address *address);
int clinux_connect(int fd, const struct clinux_address *address);
// What became of a connect that was in progress: 0, or an error number.
int clinux_socket_error(int fd);
// A TCP socket that listens on 127.0.0.1 and blocks; port becomes the one that the kernel chose.
int clinux_listen_loopback(uint16_t *port);
// The next connection, which blocks.
int clinux_accept(int fd);
// Never raises SIGPIPE.
int64_t clinux_send(int fd, const void *buffer, size_t count);
int64_t clinux_receive(int fd, void *buffer, size_t count);

struct clinux_poll {
  int fd;
  uint32_t events;  // wanted, then what is there
};
// Waits until one of them is ready: how many are, 0 when the time was up.
int clinux_poll(struct clinux_poll *entries, int count, int milliseconds);

enum {
  CLINUX_POLL_READ = 1,
  CLINUX_POLL_WRITE = 2,
  CLINUX_POLL_ENTRIES_MAX = 16,
  CLINUX_RESOLVE_UNKNOWN = -1,
  CLINUX_RESOLVE_TEMPORARY = -2,
};

#pragma clang assume_nonnull end
#endif
