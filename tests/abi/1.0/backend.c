/* A checkpoint backend: one flat folder, keys as file names with '%' for '/'. */
#include "frozen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { NAME_BYTES = 600 };

struct trainhost_put {
  frozen* self;
  int file;
  char temporary[64], name[NAME_BYTES];
};

static void name_of(trainhost_string key, char* name) {
  for (uint64_t i = 0; i < key.length; ++i) name[i] = key.data[i] == '/' ? '%' : key.data[i];
  name[key.length] = '\0';
}

static trainhost_status fail_with_errno(trainhost_error* error, const char* name) {
  const trainhost_status status = errno == ENOENT ? TRAINHOST_NOT_FOUND : errno == EEXIST ? TRAINHOST_ALREADY_EXISTS : TRAINHOST_UNKNOWN;
  char words[NAME_BYTES + 64];
  snprintf(words, sizeof words, "%s: %s", name, strerror(errno));
  return fail(error, status, words);
}

static int make_folders(char* path) {
  for (char* slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(path, 0777) != 0 && errno != EEXIST) return -1;
    *slash = '/';
  }
  return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -1;
}

static trainhost_status start(frozen* self, trainhost_error* error) {
  const char* uri = strstr(self->config, "\"frozen:");
  char path[512];
  if (!uri || sscanf(uri, "\"frozen:%511[^\"]", path) != 1) return fail(error, TRAINHOST_INVALID_ARGUMENT, "uri: wanted frozen:PATH");
  if (make_folders(path) != 0) return fail_with_errno(error, path);
  self->folder = open(path, O_RDONLY | O_DIRECTORY);
  return self->folder >= 0 ? TRAINHOST_OK : fail_with_errno(error, path);
}

/* Opens a file that no key can name. */
static int open_temporary(frozen* self, char* temporary, size_t size) {
  static uint64_t next;
  snprintf(temporary, size, "%%%ld-%llu", (long)getpid(), (unsigned long long)__atomic_add_fetch(&next, 1, __ATOMIC_RELAXED));
  return openat(self->folder, temporary, O_CREAT | O_EXCL | O_WRONLY, 0666);
}

/* Gives the temporary file its name, durably, unless the name is taken. */
static trainhost_status publish(frozen* self, int file, const char* temporary, const char* name, trainhost_error* error) {
  trainhost_status status = TRAINHOST_OK;
  if (fsync(file) != 0 || linkat(self->folder, temporary, self->folder, name, 0) != 0) status = fail_with_errno(error, name);
  close(file);
  unlinkat(self->folder, temporary, 0);
  if (status == TRAINHOST_OK && fsync(self->folder) != 0) status = fail_with_errno(error, name);
  return status;
}

static trainhost_status put_begin(trainhost_instance* instance, trainhost_string key, uint64_t size, uint64_t* part_bytes, trainhost_put** put,
                                  trainhost_error* error) {
  trainhost_put* begun = (trainhost_put*)calloc(1, sizeof *begun);
  (void)size;
  begun->self = frozen_of(instance);
  begun->file = open_temporary(begun->self, begun->temporary, sizeof begun->temporary);
  name_of(key, begun->name);
  *part_bytes = 1 << 16;
  *put = begun;
  if (begun->file >= 0) return TRAINHOST_OK;
  free(begun);
  return fail_with_errno(error, "a temporary file");
}

static trainhost_status put_part(trainhost_put* put, uint64_t offset, const void* bytes, uint64_t size, uint32_t crc32c, trainhost_error* error) {
  (void)crc32c;
  return pwrite(put->file, bytes, size, (off_t)offset) == (ssize_t)size ? TRAINHOST_OK : fail_with_errno(error, put->name);
}

static trainhost_status put_commit(trainhost_put* put, trainhost_error* error) {
  const trainhost_status status = publish(put->self, put->file, put->temporary, put->name, error);
  free(put);
  return status;
}

static void put_abort(trainhost_put* put) {
  close(put->file);
  unlinkat(put->self->folder, put->temporary, 0);
  free(put);
}

static trainhost_status get(trainhost_instance* instance, trainhost_string key, uint64_t offset, void* out, uint64_t size, uint64_t* got,
                            trainhost_error* error) {
  char name[NAME_BYTES];
  int file;
  ssize_t num_read;
  name_of(key, name);
  file = openat(frozen_of(instance)->folder, name, O_RDONLY);
  if (file < 0) return fail_with_errno(error, name);
  num_read = pread(file, out, size, (off_t)offset);
  close(file);
  if (num_read < 0) return fail_with_errno(error, name);
  *got = (uint64_t)num_read;
  return TRAINHOST_OK;
}

static int holds(trainhost_instance* instance, trainhost_string key, const void* bytes, uint64_t size) {
  char* found = (char*)malloc(size + 1);
  uint64_t got = 0;
  const int is_same = get(instance, key, 0, found, size + 1, &got, NULL) == TRAINHOST_OK && got == size && memcmp(found, bytes, size) == 0;
  free(found);
  return is_same;
}

static trainhost_status create(trainhost_instance* instance, trainhost_string key, const void* bytes, uint64_t size, trainhost_error* error) {
  frozen* self = frozen_of(instance);
  char name[NAME_BYTES], temporary[64];
  trainhost_status status;
  const int file = open_temporary(self, temporary, sizeof temporary);
  name_of(key, name);
  if (file < 0 || pwrite(file, bytes, size, 0) != (ssize_t)size) return fail_with_errno(error, name);
  status = publish(self, file, temporary, name, error);
  return status == TRAINHOST_ALREADY_EXISTS && holds(instance, key, bytes, size) ? TRAINHOST_OK : status;
}

static int by_bytes(const void* a, const void* b) { return strcmp(*(char* const*)a, *(char* const*)b); }

/* The keys under the prefix, sorted; the caller frees each and the list. */
static char** keys_under(frozen* self, trainhost_string prefix, size_t* num_keys) {
  DIR* folder = fdopendir(openat(self->folder, ".", O_RDONLY | O_DIRECTORY));
  char** keys = NULL;
  *num_keys = 0;
  for (struct dirent* entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '%' || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    for (char* letter = entry->d_name; *letter; ++letter)
      if (*letter == '%') *letter = '/';
    if (strncmp(entry->d_name, prefix.data ? prefix.data : "", prefix.length) != 0) continue;
    keys = (char**)realloc(keys, (*num_keys + 1) * sizeof *keys);
    keys[(*num_keys)++] = strdup(entry->d_name);
  }
  closedir(folder);
  if (keys) qsort(keys, *num_keys, sizeof *keys, by_bytes);
  return keys;
}

static trainhost_status list(trainhost_instance* instance, trainhost_string prefix, void* context, int32_t (*visit)(void*, const trainhost_object*),
                             trainhost_error* error) {
  frozen* self = frozen_of(instance);
  size_t num_keys;
  char **keys = keys_under(self, prefix, &num_keys), name[NAME_BYTES];
  trainhost_object* object = (trainhost_object*)fence_new(sizeof *object);
  int is_wanted = 1;
  (void)error;
  object->struct_size = sizeof *object;
  for (size_t i = 0; i < num_keys; ++i) {
    struct stat facts;
    object->key = text_of(keys[i]);
    name_of(object->key, name);
    if (is_wanted && fstatat(self->folder, name, &facts, 0) == 0) {
      object->size = (uint64_t)facts.st_size;
      is_wanted = visit(context, object) == 0;
    }
    free(keys[i]);
  }
  free(keys);
  fence_free(object);
  return TRAINHOST_OK;
}

static trainhost_status remove_object(trainhost_instance* instance, trainhost_string key, trainhost_error* error) {
  char name[NAME_BYTES];
  name_of(key, name);
  return unlinkat(frozen_of(instance)->folder, name, 0) == 0 || errno == ENOENT ? TRAINHOST_OK : fail_with_errno(error, name);
}

/* Its two places are one folder. */
static trainhost_status get_copy(trainhost_instance* instance, uint32_t place, trainhost_string key, uint64_t offset, void* out, uint64_t size, uint64_t* got,
                                 trainhost_error* error) {
  return place < 2 ? get(instance, key, offset, out, size, got, error) : fail(error, TRAINHOST_INVALID_ARGUMENT, "there are two places");
}

static const trainhost_checkpoint_backend backend_table = {sizeof backend_table, 0, put_begin, put_part, put_commit, put_abort, create, get, list,
                                                           remove_object};
static const trainhost_checkpoint_copies copies_table = {sizeof copies_table, 2, get_copy};
const frozen_plugin frozen_backend = {"frozen_backend", start, {{TRAINHOST_CHECKPOINT_BACKEND, &backend_table}, {TRAINHOST_CHECKPOINT_COPIES, &copies_table}}};
