// The stack of the train thread, plugin accounts, and the sums over attempts.
#include "ledger/ledger.h"

#include <algorithm>
#include <cassert>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace trainhost {
namespace {

// A plugin call in progress on a thread that is not the train thread.
struct BackgroundCall {
  const Ledger* ledger;
  int64_t start_ns;
  int64_t inner_ns;  // spent in calls within it, which are charged to their own plugins
};

std::vector<BackgroundCall>& background_calls() {
  thread_local std::vector<BackgroundCall> calls;
  return calls;
}

}  // namespace

Ledger::Ledger(Options options)
    : options_(std::move(options)), train_thread_(std::this_thread::get_id()), accounts_(std::make_unique<Account[]>(kMaxAccounts)) {
  const double start = options_.start_seconds.value_or(process_start_seconds());
  start_ns_ = charged_until_ns_ = static_cast<int64_t>(start * 1e9);
  first_start_unix_ns_ = unix_nanoseconds() - (now() - start_ns_);
  current_.price_per_hour = options_.price_per_hour;
  stack_.reserve(64);
  stack_.push_back(&current_.activities[static_cast<size_t>(Activity::kStartUp)]);
}

void Ledger::finish_start_up() {
  charge();
  stack_.front() = &current_.activities[static_cast<size_t>(Activity::kIdle)];
}

void Ledger::charge() {
  const int64_t until = std::max(now(), charged_until_ns_);  // a clock that goes back charges nothing
  *stack_.back() += until - charged_until_ns_;
  charged_until_ns_ = until;
}

void Ledger::push(int64_t* part) {
  assert(is_train_thread());
  charge();
  stack_.push_back(part);
}

void Ledger::pop() {
  assert(is_train_thread() && stack_.size() > 1);
  charge();
  stack_.pop_back();
}

uint32_t Ledger::open_account(const std::string& plugin) {
  const std::lock_guard lock(accounts_mutex_);
  const uint32_t count = num_accounts_;
  for (uint32_t i = 0; i < count; ++i)
    if (accounts_[i].plugin == plugin) return i;
  if (count == kMaxAccounts)
    throw Error(ExitCode::kPlugin, format("{}: one plugin more than the ledger has accounts for ({}); load fewer plugins", plugin, kMaxAccounts));
  accounts_[count].plugin = plugin;
  num_accounts_ = count + 1;
  return count;
}

void Ledger::enter(uint32_t account, const char*) {
  assert(account < num_accounts_);
  Account& entry = accounts_[account];
  if (is_train_thread()) {
    ++entry.train_calls;
    push(&entry.train_ns);
  } else {
    entry.background_calls.fetch_add(1, std::memory_order_relaxed);
    background_calls().push_back({this, now(), 0});
  }
}

void Ledger::leave(uint32_t account) {
  Account& entry = accounts_[account];
  if (is_train_thread()) {
    assert(stack_.back() == &entry.train_ns);
    return pop();
  }
  auto& calls = background_calls();
  assert(!calls.empty() && calls.back().ledger == this);
  const BackgroundCall call = calls.back();
  calls.pop_back();
  const int64_t ns = std::max<int64_t>(now() - call.start_ns, 0);
  entry.background_ns.fetch_add(std::max<int64_t>(ns - call.inner_ns, 0), std::memory_order_relaxed);
  if (!calls.empty() && calls.back().ledger == this) calls.back().inner_ns += ns;
}

double Ledger::seconds() const {
  int64_t ns = std::max<int64_t>(now() - start_ns_, 0);
  for (const Totals& totals : earlier_) ns += totals.wall_ns;
  return static_cast<double>(ns) / 1e9;
}

std::optional<double> Ledger::cost() const {
  if (!options_.price_per_hour) return std::nullopt;
  const double price = *options_.price_per_hour;
  double hours_times_price = static_cast<double>(std::max<int64_t>(now() - start_ns_, 0)) * price;
  for (const Totals& totals : earlier_) hours_times_price += static_cast<double>(totals.wall_ns) * totals.price_per_hour.value_or(price);
  return hours_times_price / 3600e9;
}

double Ledger::seconds_in(Activity activity) {
  charge();
  const auto index = static_cast<size_t>(activity);
  int64_t ns = current_.activities[index];
  for (const Totals& totals : earlier_) ns += totals.activities[index];
  return static_cast<double>(ns) / 1e9;
}

double Ledger::data_wait_share() {
  const double wall = seconds();
  return wall > 0 ? seconds_in(Activity::kDataWait) / wall : 0;
}

Totals Ledger::totals_now() {
  charge();
  Totals totals = current_;
  totals.wall_ns = charged_until_ns_ - start_ns_;
  for (uint32_t i = 0; i < num_accounts_; ++i) {
    const Account& account = accounts_[i];
    totals.plugins[account.plugin] = {account.train_ns, account.background_ns, account.train_calls, account.background_calls};
  }
  return totals;
}

LedgerReport Ledger::report() {
  std::vector<Totals> all = earlier_;
  all.push_back(totals_now());
  LedgerReport report = make_report(all, options_.price_per_hour);
  report.currency = options_.currency;
  report.num_attempts = num_earlier_attempts_ + 1;
  report.num_interruptions = num_interruptions();
  return report;
}

nlohmann::json Ledger::to_json() {
  std::vector<Totals> all = earlier_;
  const auto same_price = std::find_if(all.begin(), all.end(), [&](const Totals& totals) { return totals.price_per_hour == options_.price_per_hour; });
  if (same_price == all.end())
    all.push_back(totals_now());
  else
    same_price->add(totals_now());
  nlohmann::json segments = nlohmann::json::array();
  for (const Totals& totals : all) segments.push_back(totals.to_json());
  return {{"v", 1},
          {"currency", options_.currency},
          {"attempts", num_earlier_attempts_ + 1},
          {"interruptions", num_interruptions()},
          {"first_start_unix_ns", first_start_unix_ns_},
          {"saved_unix_ns", unix_nanoseconds()},
          {"segments", std::move(segments)}};
}

void Ledger::restore_json(const nlohmann::json& saved) {
  try {
    const int64_t saved_unix_ns = saved.at("saved_unix_ns");
    if (saved.at("v") != 1)
      throw Error(ExitCode::kCheckpointUnreadable, format("ledger of the run: version {}, wanted 1; update trainhost", saved.at("v").dump()));
    const std::string currency = saved.at("currency");
    if (currency != options_.currency)
      throw Error(ExitCode::kConfig, format("currency: got \"{}\", but the ledger of this run is in \"{}\"; keep that, or start a new run with --name",
                                            options_.currency, currency));
    std::vector<Totals> segments;
    for (const auto& segment : saved.at("segments")) segments.push_back(Totals::from_json(segment));
    const uint64_t attempts = saved.at("attempts"), interruptions = saved.value("interruptions", uint64_t{0});
    const int64_t first_start = saved.at("first_start_unix_ns");
    if (saved_unix_ns <= restored_saved_unix_ns_) return;
    restored_saved_unix_ns_ = saved_unix_ns;
    earlier_ = std::move(segments);
    num_earlier_attempts_ = attempts;
    num_earlier_interruptions_ = interruptions;
    first_start_unix_ns_ = first_start;
  } catch (const nlohmann::json::exception& failure) {
    throw Error(ExitCode::kCheckpointUnreadable, format("ledger of the run: damaged: {}; resume from an older checkpoint", failure.what()));
  }
}

}  // namespace trainhost
