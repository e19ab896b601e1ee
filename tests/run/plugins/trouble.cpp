// A stopping rule that gets in the way on command: for the tests of what the program does then.
#include <unistd.h>

#include <trainhost/plugin.hpp>

namespace {

using trainhost::PluginError;
using trainhost::Progress;
using trainhost::Verdict;

struct Config {
  std::optional<std::uint64_t> blocks_at, waits_at, fails_from, diverges_at;  // windows
  bool loads = true;
  std::string token;
};

class Trouble final : public trainhost::StoppingRule {
 public:
  explicit Trouble(Config config) : config_(config) {}

  void start() override {
    if (config_.waits_at == 0) wait();
    if (config_.token.empty()) return;
    const bool is_told = host().config_json().find(config_.token) != std::string_view::npos;
    host().log_warning("the token has {} characters; others are {}told of it", config_.token.size(), is_told ? "" : "not ");
  }

  Verdict check(const Progress& progress, std::span<const trainhost::Metric>) override {
    if (config_.blocks_at && progress.windows >= *config_.blocks_at) block();
    if (config_.waits_at && progress.windows == *config_.waits_at) wait();
    if (config_.fails_from && progress.windows >= *config_.fails_from) throw PluginError(TRAINHOST_INTERNAL, "in trouble on purpose");
    if (config_.diverges_at && progress.windows >= *config_.diverges_at) return Verdict::diverged("seen enough at window {}", progress.windows);
    return Verdict::go_on();
  }

  void save(trainhost::StateWriter& out) const override { out.put(config_.loads); }
  void load(trainhost::StateReader& in) override {
    in.get(config_.loads);
    if (!config_.loads) throw PluginError(TRAINHOST_DATA_LOSS, "cannot read what was saved");
  }

 private:
  [[noreturn]] void block() {
    host().log_warning("the rule blocks");
    for (;;) ::pause();
  }

  void wait() {
    host().log_warning("the rule waits");
    while (::access("go", F_OK) != 0) ::usleep(1000);
  }

  Config config_;
};

}  // namespace

TRAINHOST_PLUGIN(Trouble, {
  .kind = "stopping_rule",
  .name = "trouble",
  .version = "1.0.0",
  .summary = "for tests: blocks, waits, fails, or cannot load its state",
  .schema = trainhost::schema<Config>()
                .key("blocks_at", &Config::blocks_at, "window at which a call never returns", trainhost::no_trajectory)
                .key("waits_at", &Config::waits_at, "window at which a call waits for a file called go; 0: at the start", trainhost::no_trajectory)
                .key("fails_from", &Config::fails_from, "window from which all calls fail", trainhost::no_trajectory)
                .key("diverges_at", &Config::diverges_at, "window at which the run is called diverged", trainhost::no_trajectory)
                .key("loads", &Config::loads, "whether what is saved now can be loaded", trainhost::no_trajectory)
                .key("token", &Config::token, "a password", trainhost::secret),
})
