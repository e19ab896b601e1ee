// Questions for checkpoint backends about many callers at once.
#include <atomic>
#include <functional>
#include <thread>

#include "conformance/objects.h"
#include "conformance/questions.h"

namespace trainhost::conformance {
namespace {

constexpr std::size_t kRaceThreads = 8;

// Runs the body on eight threads; the first complaint fails the question.
void on_eight_threads(const std::function<void(std::size_t)>& body) {
  std::vector<std::string> complaints(kRaceThreads);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kRaceThreads; ++i)
    threads.emplace_back([&, i] {
      try {
        body(i);
      } catch (const Failed& failed) {
        complaints[i] = failed.reason;
      } catch (const std::exception& error) {
        complaints[i] = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& complaint : complaints) require(complaint.empty(), "{}", complaint);
}

void one_creator_wins(const Subject& subject) {
  const Store store(subject), other(subject);  // two instances, as two processes have them
  for (int round = 0; round < 20; ++round) {
    const std::string key = format("race/{}", round);
    std::atomic<int> winners{0};
    on_eight_threads([&](std::size_t i) {
      const Said said = (i % 2 ? other : store).try_create(key, format("bytes of {}", i));
      require(said.is_ok() || said.status == TRAINHOST_ALREADY_EXISTS, "create in a race: {}; the losers get ALREADY_EXISTS", text_of(said));
      winners += said.is_ok();
    });
    require(winners == 1, "{} of {} threads created \"{}\" with other bytes each; one wins", winners.load(), kRaceThreads, key);
  }
}

void callers_do_not_disturb_each_other(const Subject& subject) {
  const Store store(subject);
  on_eight_threads([&](std::size_t i) {
    for (int round = 0; round < 10; ++round) {
      const std::string key = format("own/{}/{}", i, round), bytes = random_bytes(1000 + 777 * i, i);
      const Said said = store.try_put(key, bytes, 4096);
      require(said.is_ok(), "putting \"{}\" while others put, list and remove: {}", key, text_of(said));
      require(store.get(key) == bytes, "\"{}\" comes back otherwise while others put", key);
      const auto listed = store.list(format("own/{}/", i));
      require(listed.size() == 1 && listed.front().key == key, "list does not visit the one object of this thread, \"{}\"", key);
      const Said removed = store.try_remove(key);
      require(removed.is_ok(), "removing \"{}\" while others put: {}", key, text_of(removed));
    }
  });
  require(store.list("").empty(), "after all were removed, list still visits \"{}\"", store.list("").empty() ? "" : store.list("").front().key);
}

void parts_come_from_many_threads(const Subject& subject) {
  const Store store(subject);
  const std::string bytes = random_bytes(64 * 4096 + 5, subject.seed);
  Store::Upload upload;
  expect_ok("put_begin", store.try_begin("parts", bytes.size(), upload, 4096));
  on_eight_threads([&](std::size_t i) {
    for (std::uint64_t offset = i * upload.part_bytes; offset < bytes.size(); offset += kRaceThreads * upload.part_bytes)
      expect_ok("put_part", store.part(upload, offset, std::string_view(bytes).substr(offset, upload.part_bytes)));
  });
  expect_ok("put_commit", store.commit(upload));
  require(store.get("parts", 0, bytes.size() + 1) == bytes, "put from eight threads, the object holds other bytes");
}

constexpr std::string_view kCheckpointRacesKind = "checkpoint_backend";
constexpr Question kCheckpointRacesQuestions[] = {
    {"checkpoint_backend/one_creator_wins", "Of eight who create one key, one wins", kCheckpointRacesKind, Scope::kPlugin, answer<one_creator_wins>},
    {"checkpoint_backend/callers_do_not_disturb_each_other", "Eight threads put, get, list and remove their own objects at once", kCheckpointRacesKind, Scope::kPlugin,
     answer<callers_do_not_disturb_each_other>},
    {"checkpoint_backend/parts_come_from_many_threads", "Parts of one object come from eight threads", kCheckpointRacesKind, Scope::kPlugin,
     answer<parts_come_from_many_threads>},
};

}  // namespace

std::span<const Question> checkpoint_race_questions() { return kCheckpointRacesQuestions; }

}  // namespace trainhost::conformance
