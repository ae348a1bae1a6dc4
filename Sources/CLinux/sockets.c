// SPDX-License-Identifier: Apache-2.0
#include "common.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nss.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clinux_sockets.h"

_Static_assert(sizeof(struct sockaddr_in6) == sizeof ((struct clinux_address *)0)->bytes,
               "the larger of the two fits");

static void keep(struct clinux_address *out, const void *address, size_t count) {
  memset(out, 0, sizeof *out);
  memcpy(out->bytes, address, count);
  out->count = (uint32_t)count;
}

// nsswitch.conf may name plug-ins of the running system, which a static program must not load.
static pthread_once_t configured = PTHREAD_ONCE_INIT;
static void configure(void) { __nss_configure_lookup("hosts", "files dns"); }

int clinux_resolve(const char *host, uint16_t port, struct clinux_address *out, int capacity) {
  pthread_once(&configured, configure);
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  int failure = getaddrinfo(host, NULL, &hints, &found);
  switch (failure) {
    case 0:
      break;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
    case EAI_FAIL:
      return CLINUX_RESOLVE_UNKNOWN;
    default:
      return CLINUX_RESOLVE_TEMPORARY;
  }
  int count = 0;
  for (struct addrinfo *each = found; each != NULL && count < capacity; each = each->ai_next) {
    if (each->ai_family == AF_INET) {
      struct sockaddr_in address;
      memcpy(&address, each->ai_addr, sizeof address);
      address.sin_port = htons(port);
      keep(&out[count++], &address, sizeof address);
    } else if (each->ai_family == AF_INET6) {
      struct sockaddr_in6 address;
      memcpy(&address, each->ai_addr, sizeof address);
      address.sin6_port = htons(port);
      keep(&out[count++], &address, sizeof address);
    }
  }
  freeaddrinfo(found);
  return count > 0 ? count : CLINUX_RESOLVE_UNKNOWN;
}

int clinux_address_parse(const char *text, uint16_t port, struct clinux_address *out) {
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
    keep(out, &four, sizeof four);
    return 1;
  }
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
    keep(out, &six, sizeof six);
    return 1;
  }
  return 0;
}

int clinux_address_is_ipv6(const struct clinux_address *address) {
  return address->count == sizeof(struct sockaddr_in6);
}

void clinux_address_text(const struct clinux_address *address, char *out, size_t capacity) {
  out[0] = 0;
  if (clinux_address_is_ipv6(address)) {
    struct sockaddr_in6 six;
    memcpy(&six, address->bytes, sizeof six);
    inet_ntop(AF_INET6, &six.sin6_addr, out, (socklen_t)capacity);
  } else {
    struct sockaddr_in four;
    memcpy(&four, address->bytes, sizeof four);
    inet_ntop(AF_INET, &four.sin_addr, out, (socklen_t)capacity);
  }
}

int clinux_interface_ipv4(const char *interface, struct clinux_address *out) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  if (strlen(interface) >= sizeof request.ifr_name) {
    errno = EINVAL;
    return -1;
  }
  strcpy(request.ifr_name, interface);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int result = ioctl(fd, SIOCGIFADDR, &request);
  int failure = errno;
  close(fd);
  errno = failure;
  if (result == 0) keep(out, &request.ifr_addr, sizeof(struct sockaddr_in));
  return result;
}

int clinux_tcp_socket(const struct clinux_address *address) {
  int family = clinux_address_is_ipv6(address) ? AF_INET6 : AF_INET;
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

int clinux_connect(int fd, const struct clinux_address *address) {
  struct sockaddr_storage storage;
  memcpy(&storage, address->bytes, address->count);
  return connect(fd, (struct sockaddr *)&storage, address->count);
}

int clinux_socket_error(int fd) {
  int failure = 0;
  socklen_t count = sizeof failure;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &count) != 0) return errno;
  return failure;
}

int clinux_listen_loopback(uint16_t *port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t count = sizeof address;
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 64) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &count) != 0) {
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
  }
  *port = ntohs(address.sin_port);
  return fd;
}

int clinux_accept(int fd) {
  int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0) return -1;
  int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connection;
}

int64_t clinux_send(int fd, const void *buffer, size_t count) {
  return send(fd, buffer, count, MSG_NOSIGNAL);
}
int64_t clinux_receive(int fd, void *buffer, size_t count) { return recv(fd, buffer, count, 0); }

int clinux_poll(struct clinux_poll *entries, int count, int milliseconds) {
  struct pollfd wanted[CLINUX_POLL_ENTRIES_MAX];
  if (count > CLINUX_POLL_ENTRIES_MAX) {
    errno = EINVAL;
    return -1;
  }
  for (int i = 0; i < count; i++) {
    short events = 0;
    if (entries[i].events & CLINUX_POLL_READ) events |= POLLIN;
    if (entries[i].events & CLINUX_POLL_WRITE) events |= POLLOUT;
    wanted[i] = (struct pollfd){.fd = entries[i].fd, .events = events};
  }
  int ready = poll(wanted, (nfds_t)count, milliseconds);
  if (ready < 0) return -1;
  for (int i = 0; i < count; i++) {
    uint32_t events = 0;
    if (wanted[i].revents & (POLLIN | POLLHUP | POLLERR)) events |= CLINUX_POLL_READ;
    if (wanted[i].revents & (POLLOUT | POLLHUP | POLLERR)) events |= CLINUX_POLL_WRITE;
    entries[i].events = events;
  }
  return ready;
}
