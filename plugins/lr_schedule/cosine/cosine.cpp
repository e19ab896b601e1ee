// A linear rise, then half a cosine down to a floor (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts).
#include <charconv>
#include <numbers>
#include <trainhost/plugin.hpp>

namespace {

using trainhost::PluginError;

struct Config {
  std::string warmup = "0step";
  double floor = 0.0;  // fraction of the base rate
  std::optional<std::string> length;
};

// "100step" or "5%": what can be told from a step's number and its fraction of the run alone.
struct Extent {
  double steps = 0, fraction = 0;
  bool is_fraction = false;

  static Extent parse(std::string_view key, std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error == std::errc() && number >= 0 && unit == "step") return {number, 0, false};
    if (error == std::errc() && number >= 0 && number <= 100 && unit == "%") return {0, number / 100, true};
    throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                      trainhost::format("cosine.{}: got \"{}\", wanted steps (\"100step\") or a share of the run (\"5%\")", key, text));
  }
};

class Cosine final : public trainhost::LrSchedule {
 public:
  explicit Cosine(const Config& config) : warmup_(Extent::parse("warmup", config.warmup)), floor_(config.floor) {
    // A length in samples, tokens or epochs is the host's to measure: its fractions are then of that length.
    if (config.length && (config.length->ends_with("step") || config.length->ends_with("%"))) length_ = Extent::parse("length", *config.length);
    if (length_ && length_->steps + length_->fraction == 0) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "cosine.length must be more than 0");
    if (length_ && !length_->is_fraction && !warmup_.is_fraction && warmup_.steps >= length_->steps)
      throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                        trainhost::format("cosine: warmup of {} steps does not end within length {} steps", warmup_.steps, length_->steps));
  }

  void factors(const trainhost::Progress& at, std::span<const double> fractions, std::span<double> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = factor(static_cast<double>(at.step + i), fractions[i]);
  }

 private:
  double factor(double step, double fraction_of_run) const {
    const double fraction = fraction_of_length(step, fraction_of_run);
    if (!warmup_.is_fraction && step < warmup_.steps) return (step + 1) / (warmup_.steps + 1);  // step 0 already moves
    if (warmup_.is_fraction && fraction < warmup_.fraction) return fraction / warmup_.fraction;
    // Where a warm-up in steps ends as a fraction: fractions grow evenly with steps.
    const double begin = warmup_.is_fraction ? warmup_.fraction : step > 0 ? warmup_.steps * fraction / step : 0.0;
    const double position = begin < 1 ? std::clamp((fraction - begin) / (1 - begin), 0.0, 1.0) : 1.0;
    return floor_ + (1 - floor_) * 0.5 * (1 + std::cos(std::numbers::pi * position));
  }

  double fraction_of_length(double step, double fraction_of_run) const {
    if (length_ && !length_->is_fraction) return std::min(1.0, step / length_->steps);
    if (std::isnan(fraction_of_run))
      throw PluginError(TRAINHOST_FAILED_PRECONDITION,
                        "cosine needs the length of the run: state max in steps, samples, tokens or epochs, or set cosine.length");
    return length_ ? std::min(1.0, fraction_of_run / length_->fraction) : fraction_of_run;
  }

  Extent warmup_;
  double floor_;
  std::optional<Extent> length_;
};

}  // namespace

TRAINHOST_PLUGIN(Cosine, {
  .kind = "lr_schedule",
  .name = "cosine",
  .version = "1.0.0",
  .summary = "linear warm-up, then half a cosine down to a floor",
  .schema = trainhost::schema<Config>()
                .key("warmup", &Config::warmup, "linear rise at the start: \"100step\" or \"5%\" of the length")
                .key("floor", &Config::floor, "share of the base rate at the end", trainhost::at_least(0), trainhost::at_most(1))
                .key("length", &Config::length, "where the floor is reached: an interval such as \"1000step\", \"2epoch\" or \"80%\" of the run; left out: the end of the run"),
})
