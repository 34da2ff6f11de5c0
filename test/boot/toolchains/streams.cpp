// A static C++ program: exceptions through frames with destructors, iostreams, containers, floating-point text, a refused thread.
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

struct Loud {
  std::string name;
  explicit Loud(std::string n) : name(std::move(n)) { std::cout << "+" << name << "\n"; }
  ~Loud() { std::cout << "-" << name << "\n"; }
};

static int deep(int n) {
  Loud loud("level " + std::to_string(n));
  if (n == 0) throw std::runtime_error("bottom");
  return deep(n - 1) + 1;
}

int main() {
  try {
    deep(3);
  } catch (const std::exception &e) {
    std::cout << "caught " << e.what() << "\n";
  }
  std::map<std::string, double> numbers;
  std::istringstream in("a 1.5 b 2.25 c 1e10 d -0.1 e 1e-310 f nonsense");
  std::string key;
  double value;
  while (in >> key >> value) numbers[key] = value;
  for (const auto &[k, v] : numbers)
    std::cout << k << " " << std::setprecision(17) << v << " " << std::fixed << std::setprecision(3) << v << std::defaultfloat << "\n";
  std::vector<int> v;
  for (int i = 0; i < 1000; i++) v.push_back(i * 7919 % 1009);
  std::sort(v.begin(), v.end());
  std::cout << v[0] << " " << v[500] << " " << v[999] << "\n";
  try {
    v.at(5000);
  } catch (const std::out_of_range &e) {
    std::cout << e.what() << "\n";
  }
  try {
    std::cout << static_cast<void *>(new char[1ull << 62]) << "\n";
  } catch (const std::bad_alloc &e) {
    std::cout << e.what() << "\n";
  }
  std::cout << std::setprecision(20) << 1.0L / 3 << "\n";
  return 3;
}
