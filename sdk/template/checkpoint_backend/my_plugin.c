/* Checkpoints as files of a folder.
 *
 * A backend moves bytes and promises two things: what was committed is whole and durable, and nothing is ever overwritten. The format of a checkpoint is
 * the host's. Large objects come in parts under a key that was never used before; create makes small ones in one go and alone decides races. Keys are
 * parts of [A-Za-z0-9._-] between slashes. Every function may be called from several threads at once, and may wait.
 *
 * A decorator, such as a mirror, is a backend that says "decorates": 1 below and calls the one that it wraps, which trainhost.upstream/1 hands out. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trainhost/checkpoint_backend.h>
#include <trainhost/c/shortcuts.h>

/* One instance. The base comes first: the host knows the instance by it. */
struct backend {
  trainhost_instance base;
  char root[PATH_MAX - 600]; /* a key has at most 512 bytes */
};

/* An upload waits in memory until it is committed: nobody sees any of it before. A backend for large checkpoints would write each part to its place. */
struct trainhost_put {
  struct backend *backend;
  char key[513];
  uint64_t size, part_bytes, num_parts;
  unsigned char *has_part; /* one byte for each, behind the object: several threads write at once */
  unsigned char bytes[];
};

/* The status decides what the host does, so it must be the right one; UNAVAILABLE would be tried again. */
static trainhost_status fail(trainhost_error *error, const char *path, const char *what, int number) {
  trainhost_status status = TRAINHOST_FAILED_PRECONDITION;
  if (number == ENOENT) status = TRAINHOST_NOT_FOUND;
  if (number == EEXIST) status = TRAINHOST_ALREADY_EXISTS;
  if (number == EACCES || number == EPERM || number == EROFS) status = TRAINHOST_PERMISSION_DENIED;
  if (number == ENOSPC || number == EDQUOT || number == ENOMEM) status = TRAINHOST_RESOURCE_EXHAUSTED;
  return trainhost_fail(error, status, "%s: %s: %s", path, what, strerror(number));
}

/* Parts of [A-Za-z0-9._-] between slashes, none of them empty, "." or "..": a key must not lead out of the root. */
static int is_key(trainhost_string key) {
  uint64_t begin = 0;
  if (key.length == 0 || key.length > 512) return 0;
  for (uint64_t i = 0; i <= key.length; ++i) {
    const char c = i < key.length ? key.data[i] : '/';
    if (c == '\0' || (!isalnum((unsigned char)c) && !strchr("._-/", c))) return 0;
    if (c != '/') continue;
    if (i == begin || (i - begin <= 2 && memcmp(key.data + begin, "..", i - begin) == 0)) return 0;
    begin = i + 1;
  }
  return 1;
}

/* Text of the host is not terminated. */
static trainhost_status path_of(const struct backend *self, trainhost_string key, char path[PATH_MAX], trainhost_error *error) {
  if (!is_key(key)) return trainhost_fail(error, TRAINHOST_INVALID_ARGUMENT, "a key of %llu bytes is none", (unsigned long long)key.length);
  snprintf(path, PATH_MAX, "%s/%.*s", self->root, (int)key.length, key.data);
  return TRAINHOST_OK;
}

/* Calls step(folder) for every folder on the way to the file, from the one that ends behind the first `from` bytes on; stops when one answers not 0. */
static int for_each_folder(const char *path, size_t from, int (*step)(const char *folder)) {
  char folder[PATH_MAX];
  for (const char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (step(folder) != 0) return -1;
  }
  return 0;
}

static int make_folder(const char *folder) { return mkdir(folder, 0777) == 0 || errno == EEXIST ? 0 : -1; }

/* A name survives a power cut once its folder is synced. */
static int sync_folder(const char *folder) {
  const int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int result = file < 0 ? -1 : fsync(file);
  if (file >= 0) close(file);
  return result;
}

static int write_all(int file, const char *bytes, uint64_t size) {
  while (size > 0) {
    const ssize_t written = write(file, bytes, size);
    if (written < 0) return -1;
    bytes += written, size -= (uint64_t)written;
  }
  return fsync(file);
}

/* A file that no key can mean ('~') becomes durable and then gets its name: link is atomic and never overwrites. */
static trainhost_status store(const struct backend *self, const char *path, const void *bytes, uint64_t size, trainhost_error *error) {
  char hidden[PATH_MAX];
  int file = -1, result = for_each_folder(path, strlen(self->root), make_folder), number;
  snprintf(hidden, sizeof hidden, "%s/~XXXXXX", self->root);
  if (result == 0) file = mkostemp(hidden, O_CLOEXEC);
  result = file < 0 || write_all(file, bytes, size) != 0 || link(hidden, path) != 0;
  number = errno;
  if (file >= 0) close(file), unlink(hidden);
  if (result == 0 && for_each_folder(path, strlen(self->root), sync_folder) != 0) result = -1, number = errno;
  return result == 0 ? TRAINHOST_OK : fail(error, path, "cannot be written", number);
}

static trainhost_status put_begin(trainhost_instance *instance, trainhost_string key, uint64_t size, uint64_t *part_bytes, trainhost_put **put,
                                  trainhost_error *error) {
  struct backend *self = instance->impl;
  char path[PATH_MAX];
  struct trainhost_put *upload;
  const trainhost_status status = path_of(self, key, path, error);
  if (status != TRAINHOST_OK) return status;
  if (access(path, F_OK) == 0) return fail(error, path, "cannot be written", EEXIST);
  *part_bytes = *part_bytes < 8192 ? 4096 : *part_bytes / 4096 * 4096; /* the host's wish, as a multiple of 4096 */
  const uint64_t num_parts = size / *part_bytes + (size % *part_bytes != 0);
  upload = size < SIZE_MAX / 2 ? calloc(1, sizeof *upload + size + num_parts) : NULL;
  if (!upload) return fail(error, path, "cannot be written", ENOMEM);
  upload->backend = self, upload->size = size, upload->part_bytes = *part_bytes, upload->num_parts = num_parts;
  upload->has_part = upload->bytes + size;
  snprintf(upload->key, sizeof upload->key, "%.*s", (int)key.length, key.data);
  *put = upload;
  return TRAINHOST_OK;
}

/* The checksum that comes with each part (Castagnoli), bit by bit; a library such as ISA-L is ten times faster. */
static uint32_t crc32c(const unsigned char *bytes, uint64_t size) {
  uint32_t crc = ~0u;
  for (uint64_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
  }
  return ~crc;
}

static trainhost_status put_part(trainhost_put *put, uint64_t offset, const void *bytes, uint64_t size, uint32_t crc, trainhost_error *error) {
  const uint64_t rest = offset < put->size ? put->size - offset : 0;
  if (offset % put->part_bytes != 0 || size != (rest < put->part_bytes ? rest : put->part_bytes))
    return trainhost_fail(error, TRAINHOST_INVALID_ARGUMENT, "%s: %llu bytes at %llu are no part of it", put->key, (unsigned long long)size,
                          (unsigned long long)offset);
  if (crc32c(bytes, size) != crc)
    return trainhost_fail(error, TRAINHOST_DATA_LOSS, "%s: the part at %llu was changed on the way", put->key, (unsigned long long)offset);
  if (size == 0) return TRAINHOST_OK;
  memcpy(put->bytes + offset, bytes, size);
  put->has_part[offset / put->part_bytes] = 1;
  return TRAINHOST_OK;
}

/* On any return the upload is gone. */
static trainhost_status put_commit(trainhost_put *put, trainhost_error *error) {
  char path[PATH_MAX];
  trainhost_status status = path_of(put->backend, (trainhost_string){put->key, strlen(put->key)}, path, error);
  if (status == TRAINHOST_OK && memchr(put->has_part, 0, put->num_parts))
    status = trainhost_fail(error, TRAINHOST_FAILED_PRECONDITION, "%s: a part was never written", put->key);
  if (status == TRAINHOST_OK) status = store(put->backend, path, put->bytes, put->size, error);
  free(put);
  return status;
}

static void put_abort(trainhost_put *put) { free(put); }

static trainhost_status get(trainhost_instance *instance, trainhost_string key, uint64_t offset, void *out, uint64_t size, uint64_t *got,
                            trainhost_error *error) {
  char path[PATH_MAX];
  ssize_t result = 1;
  int file, number;
  const trainhost_status status = path_of(instance->impl, key, path, error);
  if (status != TRAINHOST_OK) return status;
  if ((file = open(path, O_RDONLY | O_CLOEXEC)) < 0) return fail(error, path, "cannot be read", errno);
  for (*got = 0; result > 0 && *got < size; *got += result > 0 ? (uint64_t)result : 0)
    result = pread(file, (char *)out + *got, size - *got, (off_t)(offset + *got));
  number = errno;
  close(file);
  return result < 0 ? fail(error, path, "cannot be read", number) : TRAINHOST_OK;
}

/* Equal bytes are no race: it may be a retry of the host's. */
static trainhost_status create_object(trainhost_instance *instance, trainhost_string key, const void *bytes, uint64_t size, trainhost_error *error) {
  char path[PATH_MAX], *stored;
  uint64_t got = 0;
  trainhost_status status = path_of(instance->impl, key, path, error);
  if (status == TRAINHOST_OK) status = store(instance->impl, path, bytes, size, error);
  if (status != TRAINHOST_ALREADY_EXISTS || !(stored = malloc(size + 1))) return status;
  if (get(instance, key, 0, stored, size + 1, &got, NULL) == TRAINHOST_OK && got == size && memcmp(stored, bytes, size) == 0) status = TRAINHOST_OK;
  free(stored);
  return status;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Appends the keys below the root that begin with prefix. 0, or an error number. */
static int collect(struct backend *self, trainhost_string prefix, char ***keys, size_t *num_keys) {
  char *const roots[] = {self->root, NULL};
  FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
  int number = walk ? 0 : errno;
  for (FTSENT *entry; number == 0 && (entry = fts_read(walk));) {
    const char *key = entry->fts_path + strlen(self->root) + 1;
    char **longer;
    if (entry->fts_info != FTS_F || key[0] == '~' || (prefix.length && strncmp(key, prefix.data, prefix.length) != 0)) continue;
    longer = realloc(*keys, (*num_keys + 1) * sizeof **keys);
    if (longer) *keys = longer;
    if (!longer || !(longer[(*num_keys)++] = strdup(key))) number = ENOMEM;
  }
  if (walk) fts_close(walk);
  return number;
}

/* In bytewise order of the keys; a visit that returns not 0 has seen enough. */
static trainhost_status list(trainhost_instance *instance, trainhost_string prefix, void *context, int32_t (*visit)(void *context, const trainhost_object *),
                             trainhost_error *error) {
  struct backend *self = instance->impl;
  char **keys = NULL, path[PATH_MAX];
  size_t num_keys = 0;
  const int number = collect(self, prefix, &keys, &num_keys);
  int is_enough = number;
  if (number == 0 && num_keys > 0) qsort(keys, num_keys, sizeof *keys, by_bytes);
  for (size_t i = 0; i < num_keys; ++i) {
    trainhost_object object = {sizeof object, 0, {keys[i], keys[i] ? strlen(keys[i]) : 0}, 0, 0};
    struct stat facts;
    if (!is_enough && path_of(self, object.key, path, error) == TRAINHOST_OK && stat(path, &facts) == 0) { /* removed meanwhile: not visited */
      object.size = (uint64_t)facts.st_size;
      is_enough = visit(context, &object);
    }
    free(keys[i]);
  }
  free(keys);
  return number == 0 ? TRAINHOST_OK : fail(error, self->root, "cannot be listed", number);
}

static trainhost_status remove_object(trainhost_instance *instance, trainhost_string key, trainhost_error *error) {
  char path[PATH_MAX];
  const trainhost_status status = path_of(instance->impl, key, path, error);
  if (status != TRAINHOST_OK) return status;
  return unlink(path) == 0 || errno == ENOENT ? TRAINHOST_OK : fail(error, path, "cannot be removed", errno);
}

/* The table is frozen under its id: what is added later gets another id. */
static const trainhost_checkpoint_backend table = {sizeof table, 0, put_begin, put_part, put_commit, put_abort, create_object, get, list, remove_object};

/* Always the same answer; NULL for every id that this plugin does not know. */
static const void *get_interface(trainhost_instance *instance, const char *id) {
  (void)instance;
  return strcmp(id, TRAINHOST_CHECKPOINT_BACKEND) == 0 ? &table : NULL;
}

static trainhost_status start(trainhost_instance *instance, trainhost_error *error) {
  const struct backend *self = instance->impl;
  char path[PATH_MAX];
  if (!self->root[0]) return trainhost_fail(error, TRAINHOST_INVALID_ARGUMENT, "uri is not set; give checkpoint.uri = \"file:PATH\"");
  snprintf(path, sizeof path, "%s/", self->root);
  return for_each_folder(path, 1, make_folder) == 0 ? TRAINHOST_OK : fail(error, self->root, "cannot be made", errno);
}

/* "uri" is a key of every backend: the place that checkpoint.uri names. The config has been checked against the schema below. */
static trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config, trainhost_instance **out,
                               trainhost_error *error) {
  struct backend *self = trainhost_new_instance(sizeof *self, get_interface);
  char *path;
  (void)host, (void)descriptor;
  if (!self) return trainhost_fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory");
  if (!trainhost_config_text(config, "uri", self->root, sizeof self->root)) {
    self->base.destroy(&self->base);
    return trainhost_fail(error, TRAINHOST_INVALID_ARGUMENT, "uri: wanted file:PATH, not too long, without quotes and backslashes");
  }
  if ((path = strchr(self->root, ':'))) memmove(self->root, path + 1, strlen(path));
  self->base.start = start;
  *out = &self->base;
  return TRAINHOST_OK;
}

/* The metadata, as JSON: it stands in a section of the file, so that `trainhost plugins list` runs no code of yours. A backend is chosen by the scheme of
 * checkpoint.uri. */
/* clang-format off */
TRAINHOST_C_PLUGIN("checkpoint_backend", "my_plugin", create,
  "version": "1.0.0",
  "summary": "checkpoints as files of a folder",
  "schema": {
    "type": "object",
    "additionalProperties": false,
    "properties": {"uri": {"type": "string", "default": "", "x-trajectory": false, "description": "where the checkpoints lie: file:PATH"}}
  },
  "torch_build": null, "needs": [], "schemes": ["file"], "decorates": 0, "stateful": false)
/* clang-format on */
