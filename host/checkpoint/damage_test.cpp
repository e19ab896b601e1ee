// Damage in every region is found, named and survived.
#include <boost/test/unit_test.hpp>
#include <boost/test/data/test_case.hpp>

#include <random>

#include "checkpoint/reader.h"
#include "checkpoint/store.h"
#include "checkpoint/test_store.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(damage_test)

namespace {

/// Checkpoints of steps 1 and 2, the second to be damaged.
struct TwoCheckpoints {
  MemoryStore objects;
  std::string older, newer;
  explicit TwoCheckpoints(size_t size = 3000) {
    CheckpointStore store(objects, small_options());
    older = store.save(SmallState(1, size).snapshot()).info.id;
    newer = store.save(SmallState(2, size).snapshot()).info.id;
  }
  std::string& object(const std::string& name) { return objects.contents.at(newer + "/" + name); }

  /// Loads, wants the older one, and returns what was said about the newer.
  CheckpointDamage load_older() {
    std::vector<CheckpointDamage> reported;
    const auto loaded = CheckpointStore(objects, small_options()).load_newest_verified([&](const CheckpointDamage& damage) { reported.push_back(damage); });
    BOOST_TEST_REQUIRE(loaded.has_value());
    BOOST_TEST(is_state(*loaded, 1));
    BOOST_TEST_REQUIRE(reported.size() == 1u);
    BOOST_TEST(reported[0].id == newer);
    return reported[0];
  }
};

struct Case {
  const char* object;
  const char* region;
  size_t offset;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.object << " at " << c.offset; }

const std::vector<Case> kFlips{
    {"commit", "commit", 3},           {"commit", "commit", 150},          {"manifest.json", "manifest", 0},    {"manifest.json", "manifest", 200},
    {"weights.safetensors", "header", 0}, {"weights.safetensors", "header", 9}, {"weights.safetensors", "header", 4095}, {"weights.safetensors", "data", 4096},
    {"weights.safetensors", "data", 9000}, {"optimizer.safetensors", "header", 40}, {"optimizer.safetensors", "data", 16000}, {"engine.safetensors", "data", 4100},
    {"plugins.safetensors", "data", 4097}, {"run_state.json", "data", 2},
};
const std::vector<const char*> kObjects{"commit", "manifest.json", "weights.safetensors", "optimizer.safetensors", "engine.safetensors", "plugins.safetensors", "run_state.json"};

bool is_unreadable(const Error& error) {
  BOOST_TEST_MESSAGE(error.what());
  return error.code() == ExitCode::kCheckpointUnreadable;
}

}  // namespace

BOOST_DATA_TEST_CASE(a_flipped_bit_is_found_and_its_region_named, data::make(kFlips), flip) {
  TwoCheckpoints two;
  two.object(flip.object)[flip.offset] ^= 0x10;
  const CheckpointDamage damage = two.load_older();
  BOOST_TEST(damage.region == flip.region);
  BOOST_TEST(damage.object == flip.object);
  BOOST_TEST_MESSAGE(damage.reason);
}

constexpr size_t kFew = 1100;  // values of a tensor: two blocks, and quick to load

/// The newest checkpoint after one bit of the second one's object was flipped, and how often damage was reported.
struct AfterFlip {
  std::optional<LoadedCheckpoint> loaded;
  size_t num_reported = 0;
  AfterFlip(MemoryStore& objects, const std::string& key, size_t byte, int bit) {
    char& flipped = objects.contents.at(key)[byte];
    flipped ^= static_cast<char>(1 << bit);
    loaded = CheckpointStore(objects, small_options()).load_newest_verified([&](const CheckpointDamage&) { ++num_reported; });
    flipped ^= static_cast<char>(1 << bit);
  }
};

BOOST_AUTO_TEST_CASE(every_bit_of_the_small_objects_counts) {
  TwoCheckpoints two(kFew);
  for (const char* name : {"commit", "manifest.json", "run_state.json"})
    for (size_t bit = 0; bit < two.object(name).size() * 8; ++bit) {
      const AfterFlip after(two.objects, two.newer + "/" + name, bit / 8, static_cast<int>(bit % 8));
      BOOST_TEST_REQUIRE((after.num_reported == 1 && after.loaded && is_state(*after.loaded, 1, kFew)), name << " bit " << bit);
    }
}

BOOST_DATA_TEST_CASE(every_byte_of_the_tensors_counts, data::make({"weights.safetensors", "optimizer.safetensors", "engine.safetensors", "plugins.safetensors"}), name) {
  TwoCheckpoints two(kFew);
  std::mt19937 random(1);
  for (size_t byte = 0; byte < two.object(name).size(); ++byte) {
    const int bit = static_cast<int>(random() % 8);
    const AfterFlip after(two.objects, two.newer + "/" + name, byte, bit);
    BOOST_TEST_REQUIRE((after.num_reported == 1 && after.loaded && is_state(*after.loaded, 1, kFew)), name << " byte " << byte << " bit " << bit);
  }
}

/// A mark is no part of what is loaded. One that is not right does not count, and says so.
BOOST_DATA_TEST_CASE(a_flipped_bit_of_a_mark_is_found_and_changes_nothing_that_is_loaded, data::make({"verified", "good"}), name) {
  TwoCheckpoints two(kFew);
  CheckpointStore(two.objects, small_options()).mark_good(two.newer);
  for (size_t bit = 0; bit < two.object(name).size() * 8; ++bit) {
    char& flipped = two.object(name)[bit / 8];
    flipped ^= static_cast<char>(1 << bit % 8);
    CheckpointStore store(two.objects, small_options());
    const auto loaded = store.load_newest_verified([](const CheckpointDamage& damage) { BOOST_ERROR(damage.reason); });
    BOOST_TEST_REQUIRE((loaded && is_state(*loaded, 2, kFew)), name << " bit " << bit);
    const CheckpointInfo info = store.list().back();
    BOOST_TEST_REQUIRE((info.problem.empty() && info.mark_problem.starts_with(two.newer + ": mark: " + name + ": ")), info.mark_problem);
    BOOST_TEST_REQUIRE(!info.is_good);
    BOOST_TEST_REQUIRE(info.is_verified == (std::string(name) == "good"));
    BOOST_TEST_REQUIRE(!store.newest_good().has_value());
    BOOST_CHECK_EXCEPTION(verify_folder(two.objects, "", list_folders(two.objects, "").back(), 1), DamagedCheckpoint,
                          [&](const DamagedCheckpoint& error) { return error.damage().region == "mark" && error.damage().object == name; });
    flipped ^= static_cast<char>(1 << bit % 8);
  }
  BOOST_TEST(CheckpointStore(two.objects, small_options()).newest_good()->id == two.newer);
}

BOOST_AUTO_TEST_CASE(a_torn_good_is_not_what_a_run_goes_back_to) {
  TwoCheckpoints two;
  CheckpointStore store(two.objects, small_options());
  store.mark_good(two.older), store.mark_good(two.newer);
  BOOST_TEST(is_state(*store.load_newest_good(), 2));
  std::string& good = two.object("good");
  good.resize(good.size() / 2);
  BOOST_TEST(is_state(*store.load_newest_good(), 1));
  BOOST_TEST(store.newest_good()->id == two.older);
  BOOST_TEST(!store.mark_good(two.newer));  // its place is taken
}

BOOST_AUTO_TEST_CASE(a_mark_of_another_checkpoint_does_not_count) {
  TwoCheckpoints two;
  CheckpointStore store(two.objects, small_options());
  store.mark_good(two.older);
  two.objects.contents[two.newer + "/good"] = two.objects.contents.at(two.older + "/good");
  BOOST_TEST(store.newest_good()->id == two.older);
  BOOST_TEST(store.list().back().mark_problem.find("belongs to " + two.older) != std::string::npos);
}

BOOST_DATA_TEST_CASE(a_truncated_object_is_found, data::make(kObjects) * data::make({0, 1, 2}), name, how) {
  TwoCheckpoints two;
  std::string& bytes = two.object(name);
  bytes.resize(how == 0 ? 0 : how == 1 ? bytes.size() / 2 : bytes.size() - 1);
  BOOST_TEST(two.load_older().object == name);
}

BOOST_DATA_TEST_CASE(a_longer_object_is_found, data::make(kObjects), name) {
  TwoCheckpoints two;
  two.object(name) += '\n';
  BOOST_TEST(two.load_older().object == name);
}

BOOST_DATA_TEST_CASE(a_missing_object_is_found, data::make(kObjects), name) {
  TwoCheckpoints two;
  two.objects.contents.erase(two.newer + "/" + name);
  const CheckpointDamage damage = two.load_older();
  BOOST_TEST(damage.object == name);
  BOOST_TEST(damage.reason == "is missing");
}

BOOST_AUTO_TEST_CASE(a_commit_record_of_another_checkpoint_is_found) {
  TwoCheckpoints two;
  two.object("commit") = two.objects.contents.at(two.older + "/commit");
  BOOST_TEST(two.load_older().region == "commit");
}

BOOST_AUTO_TEST_CASE(damage_that_the_store_itself_reports_counts_too) {
  TwoCheckpoints two;
  HookedStore hooked(two.objects);
  hooked.before = [&](const std::string& verb, const std::string& key) {
    if (verb == "get" && key == two.newer + "/weights.safetensors") throw store_failure(TRAINHOST_DATA_LOSS, "bad sector");
  };
  BOOST_TEST(is_state(*CheckpointStore(hooked, small_options()).load_newest_verified(), 1));
}

BOOST_DATA_TEST_CASE(what_is_damaged_in_one_place_is_read_from_the_other, data::make(kObjects) * data::make({0, 1, 2}), name, how) {
  struct TwoPlaces : MemoryStore {
    MemoryStore other;
    uint32_t num_places() const override { return 2; }
    uint64_t get_copy(uint32_t place, std::string_view key, uint64_t offset, std::span<std::byte> out) override { return place == 0 ? get(key, offset, out) : other.get(key, offset, out); }
  } places;
  {
    TwoCheckpoints two;
    places.contents = places.other.contents = two.objects.contents;
    std::string& bytes = places.contents.at(two.newer + "/" + name);
    if (how == 0) bytes[bytes.size() / 2] ^= 1;
    if (how == 1) bytes.resize(bytes.size() / 2);
    if (how == 2) bytes += '\n';
  }
  const auto loaded = CheckpointStore(places, small_options()).load_newest_verified([](const CheckpointDamage& damage) { BOOST_ERROR(damage.reason); });
  BOOST_TEST(is_state(*loaded, 2));
  places.other.contents.clear();
  const uint64_t wanted = how == 2 && name != std::string("commit") && name != std::string("manifest.json") ? 2 : 1;  // of a longer one all bytes are right
  BOOST_TEST(is_state(*CheckpointStore(places, small_options()).load_newest_verified(), wanted));
}

BOOST_AUTO_TEST_CASE(a_place_that_cannot_be_reached_is_no_damage) {
  TwoCheckpoints two;
  HookedStore hooked(two.objects);
  hooked.before = [&](const std::string& verb, const std::string& key) {
    if (verb == "get" && key == two.newer + "/weights.safetensors") throw store_failure(TRAINHOST_PERMISSION_DENIED, "no");
  };
  BOOST_CHECK_EXCEPTION(CheckpointStore(hooked, small_options()).load_newest_verified(), Error, [](const Error& error) {
    return std::string(error.what()).find("no") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(when_none_can_be_read_the_run_does_not_start_anew) {
  TwoCheckpoints two;
  two.object("manifest.json")[5] ^= 1;
  two.objects.contents.at(two.older + "/weights.safetensors")[5000] ^= 1;
  BOOST_CHECK_EXCEPTION(CheckpointStore(two.objects, small_options()).load_newest_verified(), Error, [&](const Error& error) {
    const std::string text = error.what();
    return is_unreadable(error) && text.find(two.older) != std::string::npos && text.find(two.newer) != std::string::npos && text.find("data: weights.safetensors") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(a_named_checkpoint_is_never_replaced_by_another) {
  TwoCheckpoints two;
  two.object("commit")[5] ^= 1;
  CheckpointStore store(two.objects, small_options());
  BOOST_CHECK_EXCEPTION(store.load(two.newer), Error, is_unreadable);
  BOOST_CHECK_EXCEPTION(store.load("step-000000000009-a000001-n000001"), Error, is_unreadable);
  BOOST_TEST(is_state(store.load(two.older), 1));
}

BOOST_AUTO_TEST_CASE(the_list_shows_a_damaged_commit_as_not_verified) {
  TwoCheckpoints two;
  two.object("commit")[5] ^= 1;
  const std::vector<CheckpointInfo> infos = CheckpointStore(two.objects, small_options()).list();
  BOOST_TEST_REQUIRE(infos.size() == 2u);
  BOOST_TEST(infos[0].is_verified);
  BOOST_TEST(!infos[1].is_verified);
  BOOST_TEST(infos[1].step == 2u);
}

BOOST_DATA_TEST_CASE(reading_everything_back_finds_it_too, data::make(kFlips), flip) {
  TwoCheckpoints two;
  const auto verify = [&] {
    const std::vector<CheckpointFolder> folders = list_folders(two.objects, "");
    verify_folder(two.objects, "", folders.back(), 2);
  };
  BOOST_CHECK_NO_THROW(verify());
  two.object(flip.object)[flip.offset] ^= 0x10;
  BOOST_CHECK_EXCEPTION(verify(), DamagedCheckpoint, [&](const DamagedCheckpoint& error) {
    return error.damage().id == two.newer && error.damage().region == flip.region && error.damage().object == flip.object;
  });
}

BOOST_AUTO_TEST_CASE(headers_are_read_without_their_data) {
  TwoCheckpoints two;
  uint64_t num_reads = 0;
  HookedStore hooked(two.objects);
  hooked.before = [&](const std::string& verb, const std::string& key) { num_reads += verb == "get" && key.ends_with("/weights.safetensors"); };
  const std::vector<CheckpointFolder> folders = list_folders(hooked, "");
  CheckpointReader reader(hooked, "", folders.back(), 1);
  const Manifest manifest = reader.manifest(reader.commit());
  two.object("weights.safetensors")[9000] ^= 1;  // data
  const std::vector<TensorView> tensors = reader.header(manifest, kWeightsObject);
  BOOST_TEST(num_reads == 1u);
  BOOST_TEST_REQUIRE(tensors.size() == 2u);
  BOOST_TEST((tensors[1].name == "layer.weight" && tensors[1].dtype == "F32" && tensors[1].shape == std::vector<int64_t>{3000} && tensors[1].bytes == 12000u));
  two.object("weights.safetensors")[20] ^= 1;
  BOOST_CHECK_THROW(reader.header(manifest, kWeightsObject), DamagedCheckpoint);
}

BOOST_AUTO_TEST_SUITE_END()
