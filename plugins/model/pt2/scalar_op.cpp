#include "scalar_op.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "errors.h"

namespace pt2 {
namespace {

using c10::IValue;
using torch::jit::Stack;

double real(const IValue& value) { return value.isInt() ? static_cast<double>(value.toInt()) : value.isBool() ? value.toBool() : value.toDouble(); }
int64_t whole(const IValue& value) { return value.isBool() ? value.toBool() : value.toInt(); }
bool are_whole(const IValue& a, const IValue& b) { return !a.isDouble() && !b.isDouble(); }

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) throw refuse("a size is divided by zero in the program");
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}

// One class for each operation: on whole numbers, and on reals.
struct Add { static int64_t of(int64_t a, int64_t b) { return a + b; } static double of(double a, double b) { return a + b; } };
struct Subtract { static int64_t of(int64_t a, int64_t b) { return a - b; } static double of(double a, double b) { return a - b; } };
struct Multiply { static int64_t of(int64_t a, int64_t b) { return a * b; } static double of(double a, double b) { return a * b; } };
struct FloorDivide { static int64_t of(int64_t a, int64_t b) { return floor_divide(a, b); } static double of(double a, double b) { return std::floor(a / b); } };
struct Modulo {
  static int64_t of(int64_t a, int64_t b) { return a - floor_divide(a, b) * b; }
  static double of(double a, double b) { return a - std::floor(a / b) * b; }
};
struct Divide { static double of(int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); } static double of(double a, double b) { return a / b; } };
struct Largest { static int64_t of(int64_t a, int64_t b) { return std::max(a, b); } static double of(double a, double b) { return std::max(a, b); } };
struct Smallest { static int64_t of(int64_t a, int64_t b) { return std::min(a, b); } static double of(double a, double b) { return std::min(a, b); } };
struct Equal { static bool of(int64_t a, int64_t b) { return a == b; } static bool of(double a, double b) { return a == b; } };
struct Unequal { static bool of(int64_t a, int64_t b) { return a != b; } static bool of(double a, double b) { return a != b; } };
struct Less { static bool of(int64_t a, int64_t b) { return a < b; } static bool of(double a, double b) { return a < b; } };
struct AtMost { static bool of(int64_t a, int64_t b) { return a <= b; } static bool of(double a, double b) { return a <= b; } };
struct More { static bool of(int64_t a, int64_t b) { return a > b; } static bool of(double a, double b) { return a > b; } };
struct AtLeast { static bool of(int64_t a, int64_t b) { return a >= b; } static bool of(double a, double b) { return a >= b; } };

template <class Operation>
void binary(Stack& stack) {
  const IValue b = torch::jit::pop(stack), a = torch::jit::pop(stack);
  if (are_whole(a, b))
    stack.emplace_back(Operation::of(whole(a), whole(b)));
  else
    stack.emplace_back(Operation::of(real(a), real(b)));
}

// A negative exponent makes a real number, as in Python.
void raise(Stack& stack) {
  const IValue b = torch::jit::pop(stack), a = torch::jit::pop(stack);
  if (are_whole(a, b) && whole(b) >= 0)
    stack.emplace_back(power(whole(a), whole(b)));
  else
    stack.emplace_back(std::pow(real(a), real(b)));
}

void shift_left(Stack& stack) {
  const IValue b = torch::jit::pop(stack), a = torch::jit::pop(stack);
  stack.emplace_back(whole(a) << whole(b));
}

void shift_right(Stack& stack) {
  const IValue b = torch::jit::pop(stack), a = torch::jit::pop(stack);
  stack.emplace_back(whole(a) >> whole(b));
}

template <bool (*kOf)(bool, bool)>
void logic(Stack& stack) {
  const IValue b = torch::jit::pop(stack), a = torch::jit::pop(stack);
  stack.emplace_back(kOf(whole(a) != 0, whole(b) != 0));
}
bool both(bool a, bool b) { return a && b; }
bool either(bool a, bool b) { return a || b; }

void negate(Stack& stack) {
  const IValue a = torch::jit::pop(stack);
  if (a.isDouble())
    stack.emplace_back(-a.toDouble());
  else
    stack.emplace_back(-whole(a));
}

void keep(Stack&) {}
void to_real(Stack& stack) { stack.emplace_back(real(torch::jit::pop(stack))); }
void truncate(Stack& stack) {
  const IValue a = torch::jit::pop(stack);
  stack.emplace_back(a.isDouble() ? static_cast<int64_t>(a.toDouble()) : whole(a));
}
void square_root(Stack& stack) { stack.emplace_back(std::sqrt(real(torch::jit::pop(stack)))); }
void invert(Stack& stack) { stack.emplace_back(whole(torch::jit::pop(stack)) == 0); }
void choose(Stack& stack) {
  IValue otherwise = torch::jit::pop(stack), then = torch::jit::pop(stack);
  const bool condition = whole(torch::jit::pop(stack)) != 0;
  stack.push_back(condition ? std::move(then) : std::move(otherwise));
}

struct Named {
  std::string_view name;
  FoundScalarOp op;
};

constexpr Named kOps[] = {
    {"_operator.add", {binary<Add>, 2}},       {"_operator.sub", {binary<Subtract>, 2}},   {"_operator.mul", {binary<Multiply>, 2}},
    {"_operator.mod", {binary<Modulo>, 2}},    {"_operator.truediv", {binary<Divide>, 2}}, {"_operator.floordiv", {binary<FloorDivide>, 2}},
    {"_operator.pow", {raise, 2}},             {"_operator.eq", {binary<Equal>, 2}},       {"_operator.ne", {binary<Unequal>, 2}},
    {"_operator.lt", {binary<Less>, 2}},       {"_operator.le", {binary<AtMost>, 2}},      {"_operator.gt", {binary<More>, 2}},
    {"_operator.ge", {binary<AtLeast>, 2}},    {"_operator.and_", {logic<both>, 2}},       {"_operator.or_", {logic<either>, 2}},
    {"_operator.lshift", {shift_left, 2}},     {"_operator.rshift", {shift_right, 2}},     {"_operator.neg", {negate, 1}},
    {"_operator.pos", {keep, 1}},              {"math.trunc", {truncate, 1}},              {"torch.sym_int", {truncate, 1}},
    {"torch.sym_float", {to_real, 1}},         {"torch.sym_sqrt", {square_root, 1}},       {"torch._sym_sqrt", {square_root, 1}},
    {"torch.sym_not", {invert, 1}},            {"torch.sym_max", {binary<Largest>, 2}},    {"torch.sym_min", {binary<Smallest>, 2}},
    {"torch.sym_ite", {choose, 3}},
};

}  // namespace

std::optional<FoundScalarOp> find_scalar_op(std::string_view target) {
  for (const Named& one : kOps)
    if (one.name == target) return one.op;
  return std::nullopt;
}

}  // namespace pt2
