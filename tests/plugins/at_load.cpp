// An effect that crashes, or sleeps for ever (with HANGS), when a host merely looks what it is.

#include "test_plugin.hpp"

#include <unistd.h>

START_NAMESPACE_DISTRHO

class AtLoad : public TestPlugin {
public:
    AtLoad() : TestPlugin(0) {
#ifdef HANGS
        for (;;) pause();
#else
        volatile int* volatile nowhere = nullptr;
        *nowhere = 0;
#endif
    }

protected:
    void run(const float**, float**, uint32_t) override {}
};

Plugin* createPlugin() { return new AtLoad(); }

END_NAMESPACE_DISTRHO
