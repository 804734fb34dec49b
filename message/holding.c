#include "message/holding.h"

#include <string.h>
#include <sys/mman.h>

static gpg_error_t keeping_next(void *context, struct view *piece)
{
    struct keeping_source *keeping = context;
    gpg_error_t err = keeping->from.next(keeping->from.context, piece);

    return err || !piece->len ? err : keeping->held->append(keeping->held->context, *piece);
}

struct source keeping_source(struct keeping_source *keeping)
{
    return (struct source){ .next = keeping_next, .context = keeping };
}

#define SMALL_OCTETS ((size_t)64 << 10)
#define LARGE_OCTETS ((size_t)1 << 20)

/* Nothing is ever copied to grow. A small mail takes a small block; a large one takes blocks whose
 * pages come all at once, for to fault them in one by one costs more than the copying. Huge pages
 * would cost less where there are some, and several times as much where the kernel, or the host of
 * a virtual machine, has to make them first. */
struct holding_block {
    struct holding_block *next;
    size_t len, size;
    uint8_t octets[];
};

static struct holding_block *add_block(struct memory_holding *memory)
{
    size_t size = memory->first ? LARGE_OCTETS : SMALL_OCTETS;
    struct holding_block *block =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (block == MAP_FAILED)
        return NULL;
    block->size = size - sizeof *block;
    if (memory->last)
        memory->last->next = block;
    else
        memory->first = block;
    memory->last = block;
    return block;
}

static gpg_error_t memory_append(void *context, struct view piece)
{
    struct memory_holding *memory = context;

    if (piece.len > memory->max - memory->len)
        return gpg_error(GPG_ERR_TOO_LARGE);
    while (piece.len) {
        struct holding_block *block = memory->last;
        size_t n;

        if (!block || block->len == block->size)
            block = add_block(memory);
        if (!block)
            return gpg_error(GPG_ERR_ENOMEM);
        n = block->size - block->len < piece.len ? block->size - block->len : piece.len;
        memcpy(block->octets + block->len, piece.data, n);
        block->len += n;
        memory->len += n;
        piece = view_of(piece.data + n, piece.len - n);
    }
    return 0;
}

static gpg_error_t memory_next(void *context, struct view *piece)
{
    struct memory_holding *memory = context;

    *piece = view_of(NULL, 0);
    if (memory->at) {
        *piece = view_of(memory->at->octets, memory->at->len);
        memory->at = memory->at->next;
    }
    return 0;
}

static gpg_error_t memory_replay(void *context, struct source *from)
{
    struct memory_holding *memory = context;

    memory->at = memory->first;
    *from = (struct source){ .next = memory_next, .context = memory };
    return 0;
}

static gpg_error_t memory_clear(void *context)
{
    memory_holding_free(context);
    return 0;
}

struct holding holding_in_memory(struct memory_holding *memory)
{
    return (struct holding){ memory_append, memory_replay, memory_clear, memory };
}

void memory_holding_free(struct memory_holding *memory)
{
    while (memory->first) {
        struct holding_block *block = memory->first;

        memory->first = block->next;
        munmap(block, sizeof *block + block->size);
    }
    memory->last = memory->at = NULL;
    memory->len = 0;
}
