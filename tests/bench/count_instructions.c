/* A plugin of qemu-user: at every mark of `harness.c`, which is a system call that does not exist, it writes down how
   many instructions were executed so far. Declared here is what QEMU's include/qemu/qemu-plugin.h declares, which
   distributions do not install; docs/devel/tcg-plugins.rst describes it. */

#include <stdint.h>
#include <stdio.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t,
                                          void (*)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t,
                                                   uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *),
                                            enum qemu_plugin_cb_flags, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

static const int64_t mark = 4660;
static uint64_t count;
static FILE *output;

static void executed(unsigned processor, void *data)
{
    count++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    size_t instructions = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < instructions; i++)
        qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_tb_get_insn(block, i), executed, QEMU_PLUGIN_CB_NO_REGS,
                                               NULL);
}

static void called(qemu_plugin_id_t id, unsigned processor, int64_t number, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    if (number == mark) {
        fprintf(output, "%llu\n", (unsigned long long)count);
        fflush(output);
    }
}

/* The argument is `marks=` and where to write. */
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *about, int arguments,
                                                              char **argument)
{
    const char prefix[] = "marks=";
    if (arguments != 1)
        return 1;
    output = fopen(argument[0] + sizeof prefix - 1, "w");
    if (!output)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
