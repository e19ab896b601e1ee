// Listing, removing and claiming by key names alone.
#include "checkpoint/folders.h"

#include <algorithm>
#include <array>
#include <random>
#include <tuple>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "checkpoint/transfer.h"

namespace trainhost {
namespace {

std::string attempt_key(const std::string& prefix, uint64_t attempt) { return prefix + std::string(kAttemptsFolder) + format("{:06d}", attempt); }

std::vector<uint64_t> attempts(ObjectStore& objects, const std::string& prefix) {
  const std::string folder = prefix + std::string(kAttemptsFolder);
  std::vector<uint64_t> numbers;
  for (const StoredObject& object : objects.list(folder)) {
    const std::string name = object.key.substr(folder.size());
    if (!name.empty() && name.size() <= 18 && name.find_first_not_of("0123456789") == std::string::npos) numbers.push_back(std::stoull(name));
  }
  return numbers;
}

constexpr uint64_t kMaxClaimBytes = 64 << 10;

uint64_t highest(const std::vector<uint64_t>& numbers) { return numbers.empty() ? 0 : *std::max_element(numbers.begin(), numbers.end()); }

/// Unlike that of any other process, so that equal bytes can only be a claim of our own.
std::string claim_text(const std::string& run_id, const std::string& origin) {
  std::random_device random;
  return seal(nlohmann::json{{"run_id", run_id}, {"origin", origin}, {"unix_ns", unix_nanoseconds()}, {"token", {random(), random(), random(), random()}}}.dump());
}

}  // namespace

uint64_t CheckpointFolder::bytes() const {
  uint64_t total = 0;
  for (const auto& [name, size] : sizes) total += size;
  return total;
}

std::vector<CheckpointFolder> list_folders(ObjectStore& objects, const std::string& prefix) {
  std::map<std::tuple<uint64_t, uint64_t, uint64_t>, CheckpointFolder> folders;
  for (const StoredObject& object : objects.list(prefix + "step-")) {
    const std::string_view key = std::string_view(object.key).substr(prefix.size());
    const size_t slash = key.find('/');
    if (slash == std::string_view::npos) continue;
    const std::optional<CheckpointId> id = CheckpointId::parse(key.substr(0, slash));
    if (!id) continue;
    CheckpointFolder& folder = folders[{id->attempt, id->save, id->step}];
    folder.id = *id;
    folder.sizes.emplace(key.substr(slash + 1), object.size);
  }
  std::vector<CheckpointFolder> sorted;
  for (auto& [age, folder] : folders) sorted.push_back(std::move(folder));
  return sorted;
}

void remove_folder(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder) {
  const std::string place = prefix + folder.id.text() + "/";
  constexpr std::array kRecords{kGoodObject, kVerifiedObject, kCommitObject, kManifestObject};
  for (const std::string_view name : kRecords)
    if (folder.has(name)) objects.remove(place + std::string(name));
  for (const auto& [name, size] : folder.sizes)
    if (std::find(kRecords.begin(), kRecords.end(), name) == kRecords.end()) objects.remove(place + name);
}

uint64_t newest_attempt(ObjectStore& objects, const std::string& prefix) { return highest(attempts(objects, prefix)); }

Claim newest_claim(ObjectStore& objects, const std::string& prefix) {
  Claim claim{newest_attempt(objects, prefix), std::nullopt};
  if (claim.attempt == 0) return claim;
  try {
    const std::string text = read_small(objects, attempt_key(prefix, claim.attempt), kMaxClaimBytes);
    claim.origin = CheckpointId::parse(nlohmann::json::parse(unseal(text)).value("origin", ""));
  } catch (const nlohmann::json::exception&) {  // it claims the number all the same
  } catch (const RecordError&) {
  } catch (const ObjectDamage&) {
  } catch (const PluginCallError& error) {
    if (error.status() != TRAINHOST_NOT_FOUND) throw;  // else a still newer claim has removed it
  }
  return claim;
}

uint64_t newest_writer(const std::vector<CheckpointFolder>& folders) { return folders.empty() ? 0 : folders.back().id.attempt; }

uint64_t claim_attempt(ObjectStore& objects, const std::string& prefix, const std::string& run_id, const std::string& origin, std::optional<uint64_t> wanted) {
  const std::string text = claim_text(run_id, origin);
  for (uint64_t attempt = wanted ? *wanted - 1 : newest_writer(list_folders(objects, prefix));;) {
    const std::vector<uint64_t> older = attempts(objects, prefix);
    attempt = std::max(attempt, highest(older)) + 1;
    if (wanted && attempt != *wanted) return 0;
    if (!objects.create(attempt_key(prefix, attempt), text)) continue;
    // Another process may have claimed this number and a higher one, and have removed this one, since the look above.
    if (newest_attempt(objects, prefix) > attempt) continue;
    for (const uint64_t number : older) objects.remove(attempt_key(prefix, number));
    return attempt;
  }
}

}  // namespace trainhost
