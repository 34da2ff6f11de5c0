// Asks for a thread; where there are none it must be told so.
#include <iostream>
#include <system_error>
#include <thread>

int main() {
  try {
    std::thread t([] { std::cout << "in the thread\n"; });
    t.join();
    return 0;
  } catch (const std::system_error &e) {
    std::cout << "refused: " << e.what() << "\n";
    return 1;
  }
}
