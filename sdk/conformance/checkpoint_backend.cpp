// Questions for checkpoint backends: what was committed is whole, what was not is not there, nothing is overwritten.
#include "trainhost/checkpoint_backend.h"

#include <algorithm>
#include <random>

#include "conformance/kind_calls.h"
#include "conformance/objects.h"
#include "conformance/questions.h"

namespace trainhost::conformance {
namespace {

constexpr std::size_t kLargeBytes = 100'000'000;

void nothing_is_visible_before_commit(const Subject& subject) {
  const Store store(subject);
  const std::string bytes = random_bytes(10'000, subject.seed);
  Store::Upload upload;
  expect_ok("put_begin", store.try_begin("run/weights", bytes.size(), upload, 4096));
  const auto check_unseen = [&](std::string_view when) {
    require(!store.has("run/weights"), "{}, before put_commit, the object can be read", when);
    require(store.list("").empty(), "{}, before put_commit, list visits \"{}\"", when, store.list("").empty() ? "" : store.list("").front().key);
  };
  check_unseen("after put_begin");
  for (std::uint64_t offset = 0; offset < bytes.size(); offset += upload.part_bytes)
    expect_ok("put_part", store.part(upload, offset, std::string_view(bytes).substr(offset, upload.part_bytes)));
  check_unseen("after all parts");
  expect_ok("put_commit", store.commit(upload));
  require(store.get("run/weights") == bytes, "after put_commit, the object holds other bytes");
  require(store.list("") == std::vector<Store::Found>{{"run/weights", bytes.size()}}, "after put_commit, list does not visit it with its size");
  const Store other(subject);
  require(other.get("run/weights") == bytes, "another instance, as after a restart, does not find the object");
}

void abort_leaves_nothing(const Subject& subject) {
  const Store store(subject);
  Store::Upload upload;
  expect_ok("put_begin", store.try_begin("run/aborted", 10'000, upload, 4096));
  expect_ok("put_part", store.part(upload, 0, random_bytes(std::min<std::uint64_t>(upload.part_bytes, 10'000), 1)));
  store.abort(upload);
  require(!store.has("run/aborted") && store.list("").empty(), "after put_abort, something of the object is there");
  store.put("run/other", "still works");
  require(store.get("run/other") == "still works", "after put_abort, another object cannot be put");
}

void unfinished_objects_are_refused(const Subject& subject) {
  const Store store(subject);
  Store::Upload upload;
  expect_ok("put_begin", store.try_begin("run/holes", 10'000, upload, 4096));
  expect_ok("put_part", store.part(upload, 0, random_bytes(std::min<std::uint64_t>(upload.part_bytes, 10'000), 1)));
  const bool is_whole = upload.part_bytes >= 10'000;
  const Said said = store.commit(upload);
  require(is_whole || !said.is_ok(), "put_commit takes an object of which parts were never written");
  expect_ok("put_begin", store.try_begin("run/damaged", 4096, upload, 4096));
  const std::string bytes = random_bytes(4096, 2);
  const bool was_noticed = !store.part_with_crc(upload, 0, bytes, subject.host.crc32c(bytes) ^ 1).is_ok();
  if (was_noticed) store.abort(upload);
  require(was_noticed || !store.commit(upload).is_ok(), "it takes a part whose crc32c is another one than its bytes have");
}

void nothing_is_overwritten(const Subject& subject) {
  const Store store(subject);
  expect_ok("create of an object", store.try_create("commit/record", "first"));
  require(store.get("commit/record") == "first", "what create made holds other bytes");
  expect_ok("create again with equal bytes, as a retry does", store.try_create("commit/record", "first"));
  for (const char* bytes : {"other", "firs", "first and more", ""}) {
    const Said said = store.try_create("commit/record", bytes);
    require(said.status == TRAINHOST_ALREADY_EXISTS, "create with other bytes over an object answers {}; wanted ALREADY_EXISTS", text_of(said));
  }
  const Said said = store.try_put("commit/record", "put over it");
  require(!said.is_ok(), "a put over an existing object succeeds");
  require(store.get("commit/record") == "first", "the object was overwritten with \"{}\"", store.get("commit/record"));
}

void sizes_come_back(const Subject& subject) {
  const Store store(subject);
  int number = 0;
  for (const std::size_t size : {0, 1, 4095, 4096, 4097, 8192, 1'000'003}) {
    const std::string bytes = random_bytes(size, subject.seed + size), key = format("sizes/{}", ++number);
    const Said said = store.try_put(key, bytes, 4096);
    require(said.is_ok(), "putting {} bytes: {}", size, text_of(said));
    require(store.get(key, 0, size + 1) == bytes, "an object of {} bytes comes back otherwise", size);
    if (size > 1 << 20) continue;
    expect_ok(format("create of {} bytes", size), store.try_create(key + "c", bytes));
    require(store.get(key + "c", 0, size + 1) == bytes, "a created object of {} bytes comes back otherwise", size);
  }
}

void a_large_object_comes_back(const Subject& subject) {
  const Store store(subject);
  const std::string bytes = random_bytes(kLargeBytes, subject.seed);
  const Said said = store.try_put("large", bytes, 8 << 20);
  require(said.is_ok(), "putting {} bytes: {}", kLargeBytes, text_of(said));
  require(store.get("large", 0, kLargeBytes + 1) == bytes, "an object of {} bytes comes back otherwise", kLargeBytes);
}

void parts_come_in_any_order(const Subject& subject) {
  const Store store(subject);
  const std::string bytes = random_bytes(50'000, subject.seed);
  Store::Upload upload;
  expect_ok("put_begin", store.try_begin("shuffled", bytes.size(), upload, 4096));
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t offset = 0; offset < bytes.size(); offset += upload.part_bytes) offsets.push_back(offset);
  std::mt19937_64 random(subject.seed);
  std::shuffle(offsets.begin(), offsets.end(), random);
  offsets.push_back(offsets.front());  // tried again
  for (const std::uint64_t offset : offsets) expect_ok("put_part", store.part(upload, offset, std::string_view(bytes).substr(offset, upload.part_bytes)));
  expect_ok("put_commit", store.commit(upload));
  require(store.get("shuffled") == bytes, "put in another order, the object holds other bytes");
}

void ranges_are_exact(const Subject& subject) {
  const Store store(subject);
  const std::string bytes = random_bytes(10'000, subject.seed);
  store.put("ranges", bytes);
  std::mt19937_64 random(subject.seed);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges{{0, 1}, {9'999, 1}, {9'999, 2},  {10'000, 1}, {10'000, 0},
                                                              {0, 0}, {4'095, 2}, {0, 10'000}, {1, 20'000}};
  for (int i = 0; i < 50; ++i) ranges.emplace_back(random() % 10'000, random() % 12'000);
  for (const auto& [offset, size] : ranges)
    require(store.get("ranges", offset, size) == bytes.substr(offset, size), "get of {} bytes from {}, of 10000, gives other bytes or another number", size,
            offset);
}

void list_is_ordered(const Subject& subject) {
  const Store store(subject);
  std::vector<std::string> keys{"a", "a.b", "a-b", "aa/b", "aa/c/d", "aa0", "B", "aaa", "z/1", "z/10", "z/2"};
  for (const std::string& key : keys) expect_ok(format("create \"{}\"", key), store.try_create(key, key));
  std::sort(keys.begin(), keys.end());
  for (const std::string_view prefix : {"", "a", "aa", "aa/", "z/1", "nothing", "aa/c/", "z/10"}) {
    std::vector<Store::Found> wanted;
    for (const std::string& key : keys)
      if (key.starts_with(prefix)) wanted.push_back({key, key.size()});
    require(store.list(prefix) == wanted, "list of \"{}\" visits {} objects, wanted {}", prefix, store.list(prefix).size(), wanted.size());
  }
  require(store.list("", 3).size() == 3, "list does not stop at a visit that returns not 0");
}

void remove_removes(const Subject& subject) {
  const Store store(subject);
  store.put("gone/soon", "bytes");
  expect_ok("create of an object", store.try_create("gone/later", "bytes"));
  expect_ok("remove", store.try_remove("gone/soon"));
  require(!store.has("gone/soon") && store.list("gone/soon").empty(), "a removed object can still be read or listed");
  expect_ok("remove of an object that is absent", store.try_remove("gone/soon"));
  expect_ok("remove of an object that never was", store.try_remove("never/was"));
  require(store.get("gone/later") == "bytes", "remove took another object along");
}

void odd_keys_work(const Subject& subject) {
  const Store store(subject);
  std::string longest(200, 'x');
  longest.append("/").append(200, 'y').append("/").append(110, 'z');
  for (const std::string& key :
       {std::string("-"), std::string("._-"), std::string("..."), std::string(".hidden/.x"), std::string("A/a"), std::string("a..b/c.."), longest}) {
    const Said said = store.try_create(key, "odd");
    require(said.is_ok(), "create \"{}\": {}; keys are parts of [A-Za-z0-9._-], at most 512 bytes in all", key, text_of(said));
    require(store.get(key) == "odd", "\"{}\" comes back otherwise", key);
  }
  for (const std::string& key : {std::string(""), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("."), std::string("../a"),
                                 std::string("a/../b"), std::string("a b"), std::string("a\0b", 3), std::string("caf\xc3\xa9"), std::string(513, 'k')}) {
    Store::Upload upload;
    require(!store.try_create(key, "odd").is_ok(), "create takes the key \"{}\"", key);
    const Said said = store.try_begin(key, 1, upload);
    if (said.is_ok()) store.abort(upload);
    require(!said.is_ok(), "put_begin takes the key \"{}\"", key);
  }
}

// Whether the place holds the object. It need not: a place that follows another one comes to it later.
bool is_held(const Specimen& plugin, std::uint32_t place, std::string_view key, std::string_view bytes) {
  using Range = std::pair<std::size_t, std::size_t>;
  for (const auto& [offset, size] : {Range{0, bytes.size() + 1}, Range{bytes.size() / 3, bytes.size() / 3}, Range{bytes.size() - 1, 9}}) {
    std::string got;
    const Said said = try_copy(plugin, place, key, offset, size, got);
    if (said.status == TRAINHOST_NOT_FOUND && offset == 0) return false;
    require(said.is_ok(), "get_copy of \"{}\" out of place {}: {}; a place without the object answers NOT_FOUND", key, place, text_of(said));
    require(got == bytes.substr(offset, size), "get_copy of {} bytes from {} out of place {} gives other bytes than were put, or another number", size, offset,
            place);
  }
  return true;
}

void copies_are_the_object(const Subject& subject) {
  const Store store(subject);
  const auto* table = store.plugin().find<trainhost_checkpoint_copies>(TRAINHOST_CHECKPOINT_COPIES);
  if (!table) skip("it has no {}", TRAINHOST_CHECKPOINT_COPIES);
  require(table->num_places > 0, "num_places of {} is 0", TRAINHOST_CHECKPOINT_COPIES);
  const std::string bytes = random_bytes(10'000, subject.seed);
  store.put("copies/whole", bytes);
  std::uint32_t num_held = 0;
  for (std::uint32_t place = 0; place < table->num_places; ++place) {
    num_held += is_held(store.plugin(), place, "copies/whole", bytes);
    require(!is_held(store.plugin(), place, "copies/none", "nothing"), "get_copy finds an object in place {} that was never put", place);
  }
  require(num_held > 0, "none of {} places holds an object that was put", table->num_places);
}

std::string use_objects(const Specimen& plugin) {
  const auto& table = plugin.need<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND);
  char bytes[16] = {};
  std::uint64_t got = 0;
  std::string keys;
  const Said read = ask("get", table.get, plugin.c(), c_string("used/record"), std::uint64_t{0}, static_cast<void*>(bytes), std::uint64_t{sizeof bytes}, &got);
  const auto visit = [](void* context, const trainhost_object* object) -> std::int32_t {
    *static_cast<std::string*>(context) += std::string(view(object->key)) + " ";
    return 0;
  };
  expect("list", table.list, plugin.c(), c_string(""), static_cast<void*>(&keys), +visit);
  if (const auto* copies = plugin.find<trainhost_checkpoint_copies>(TRAINHOST_CHECKPOINT_COPIES); copies && read.is_ok())
    for (std::uint32_t place = 0; place < copies->num_places; ++place) (void)is_held(plugin, place, "used/record", {bytes, got});
  return text_of(read) + " " + std::string(bytes, got) + " " + keys;
}

std::string use_checkpoint_backend(const Specimen& plugin) {
  const auto& table = plugin.need<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND);
  expect("create of an object", table.create, plugin.c(), c_string("used/record"), static_cast<const void*>("record"), std::uint64_t{6});
  return use_objects(plugin);
}

constexpr FailingCall kCheckpointBackendFailing[] = {
    {"get of an object that is not there",
     [](const Specimen& plugin, trainhost_error* error) {
       char byte = 0;
       std::uint64_t got = 0;
       return plugin.need<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND).get(plugin.c(), c_string("not/there"), 0, &byte, 1, &got, error);
     }},
    {"create under a key that is none", [](const Specimen& plugin, trainhost_error* error) {
       static const std::string key(600, '*');
       return plugin.need<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND).create(plugin.c(), c_string(key), "x", 1, error);
     }}};

constexpr std::string_view kCheckpointBackendKind = "checkpoint_backend";
constexpr Question kCheckpointBackendQuestions[] = {
    {"checkpoint_backend/nothing_is_visible_before_commit", "An object is there after put_commit, whole and for all, and not before", kCheckpointBackendKind, Scope::kPlugin,
     answer<nothing_is_visible_before_commit>},
    {"checkpoint_backend/abort_leaves_nothing", "An upload that was aborted was never there", kCheckpointBackendKind, Scope::kPlugin, answer<abort_leaves_nothing>},
    {"checkpoint_backend/unfinished_objects_are_refused", "An object with a hole or a damaged part is not committed", kCheckpointBackendKind, Scope::kPlugin,
     answer<unfinished_objects_are_refused>},
    {"checkpoint_backend/nothing_is_overwritten", "create makes, takes equal bytes again, and never overwrites", kCheckpointBackendKind, Scope::kPlugin,
     answer<nothing_is_overwritten>},
    {"checkpoint_backend/sizes_come_back", "Objects of no byte, one byte and odd sizes come back", kCheckpointBackendKind, Scope::kPlugin, answer<sizes_come_back>},
    {"checkpoint_backend/a_large_object_comes_back", "An object of 100 MB comes back", kCheckpointBackendKind, Scope::kPlugin, answer<a_large_object_comes_back>},
    {"checkpoint_backend/parts_come_in_any_order", "Parts come in any order, and a part may come twice", kCheckpointBackendKind, Scope::kPlugin,
     answer<parts_come_in_any_order>},
    {"checkpoint_backend/ranges_are_exact", "get gives the bytes that were asked for, fewer only at the end", kCheckpointBackendKind, Scope::kPlugin, answer<ranges_are_exact>},
    {"checkpoint_backend/list_is_ordered", "list visits what begins so, in order, until it is stopped", kCheckpointBackendKind, Scope::kPlugin, answer<list_is_ordered>},
    {"checkpoint_backend/remove_removes", "What was removed is gone, and nothing else", kCheckpointBackendKind, Scope::kPlugin, answer<remove_removes>},
    {"checkpoint_backend/copies_are_the_object", "A place gives the bytes that were put, or says that it does not hold the object", kCheckpointBackendKind, Scope::kPlugin,
     answer<copies_are_the_object>},
    {"checkpoint_backend/odd_keys_work", "Keys that the header allows work, others are refused", kCheckpointBackendKind, Scope::kPlugin, answer<odd_keys_work>},
};

}  // namespace

const KindCalls kCheckpointBackendCalls{kCheckpointBackendKind, use_checkpoint_backend, use_objects, kCheckpointBackendFailing};
std::span<const Question> checkpoint_backend_questions() { return kCheckpointBackendQuestions; }

}  // namespace trainhost::conformance
