// Arithmetic on sizes against Python's own.
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <sstream>

#include "scalar_op.h"
#include "testing/python.h"

using namespace pt2_testing;

namespace {

// Lines "target result-kind result operands...", each operand with its kind: i, f or b.
constexpr const char* kPrint = R"(-c "
import math, operator, itertools
whole, real = [-7, -2, 0, 1, 3, 64], [-2.5, 0.75, 4.0]
kind = lambda v: 'b' if isinstance(v, bool) else 'i' if isinstance(v, int) else 'f'
text = lambda v: f'{kind(v)} {int(v)}' if kind(v) != 'f' else f'f {v.hex()}'
def say(target, function, *operands):
    try:
        print(target, text(function(*operands)), *map(text, operands))
    except ZeroDivisionError:
        pass
for name in 'add sub mul floordiv mod truediv eq ne lt le gt ge'.split():
    for a, b in itertools.product(whole + real, repeat=2):
        say('_operator.' + name, getattr(operator, name), a, b)
for a, b in itertools.product(whole, whole):
    say('torch.sym_max', max, a, b)
    say('torch.sym_min', min, a, b)
for a, b in itertools.product([0, 1, 3], [0, 1, 5]):
    say('_operator.pow', pow, a, b)
    say('_operator.lshift', operator.lshift, a, b)
    say('_operator.rshift', operator.rshift, a, b)
say('_operator.pow', pow, 2, -2)
say('_operator.pow', pow, 2.5, 2)
for a, b in itertools.product([False, True], repeat=2):
    say('_operator.and_', operator.and_, a, b)
    say('_operator.or_', operator.or_, a, b)
    say('torch.sym_not', lambda v: not v, a)
    say('torch.sym_ite', lambda c, x, y: x if c else y, a, 5, 7)
for a in whole + real:
    say('_operator.neg', operator.neg, a)
    say('_operator.pos', operator.pos, a)
    say('math.trunc', math.trunc, a)
    say('torch.sym_int', int, a)
    say('torch.sym_float', float, a)
say('torch.sym_sqrt', math.sqrt, 64)
")";

c10::IValue value_in(std::istream& in) {
  std::string kind, text;
  in >> kind >> text;
  if (kind == "f") return std::strtod(text.c_str(), nullptr);
  if (kind == "b") return text == "1";
  return static_cast<int64_t>(std::stoll(text));
}

bool are_same(const c10::IValue& a, const c10::IValue& b) {
  if (a.isDouble() && b.isDouble()) return a.toDouble() == b.toDouble();
  if (a.isInt() && b.isInt()) return a.toInt() == b.toInt();
  return a.isBool() && b.isBool() && a.toBool() == b.toBool();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pt2_scalar_op_test)

BOOST_AUTO_TEST_CASE(numbers_come_out_as_in_python) {
  std::istringstream lines(python(kPrint));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    std::istringstream in(line);
    std::string target;
    in >> target;
    const auto op = pt2::find_scalar_op(target);
    BOOST_REQUIRE_MESSAGE(op, target);
    const c10::IValue wanted = value_in(in);
    torch::jit::Stack stack;
    for (size_t i = 0; i < op->num_operands; ++i) stack.push_back(value_in(in));
    op->run(stack);
    BOOST_REQUIRE(stack.size() == 1u);
    BOOST_TEST(are_same(stack[0], wanted), line);
  }
  BOOST_TEST(count > 900);
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_not_found) { BOOST_TEST(!pt2::find_scalar_op("math.sin")); }

BOOST_AUTO_TEST_SUITE_END()
