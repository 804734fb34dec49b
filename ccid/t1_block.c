#include "ccid/t1_block.h"

#include <string.h>

#define PCB_R          0x80
#define PCB_S          0xc0
#define PCB_S_RESPONSE 0x20
#define PCB_I_NS_SHIFT 6
#define PCB_I_MORE     0x20
#define PCB_I_RFU      0x1f
#define PCB_R_NR_SHIFT 4
#define PCB_R_RFU      0x20
#define PCB_S_KIND     0x1f

static uint8_t lrc(struct view octets)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < octets.len; i++)
        sum ^= octets.data[i];
    return sum;
}

static uint8_t pcb_of(const struct t1_block *block)
{
    switch (block->kind) {
    case T1_I:
        return (uint8_t)(block->number << PCB_I_NS_SHIFT | (block->more ? PCB_I_MORE : 0));
    case T1_R:
        return (uint8_t)(PCB_R | (unsigned)block->number << PCB_R_NR_SHIFT | block->error);
    case T1_S_REQUEST:
        return (uint8_t)(PCB_S | block->number);
    default:
        return (uint8_t)(PCB_S | PCB_S_RESPONSE | block->number);
    }
}

size_t t1_block_encode(const struct t1_block *block, uint8_t out[T1_BLOCK_OCTETS])
{
    size_t len = block->information.len;

    out[0] = 0;
    out[1] = pcb_of(block);
    out[2] = (uint8_t)len;
    if (len)
        memcpy(out + 3, block->information.data, len);
    out[3 + len] = lrc(view_of(out, 3 + len));
    return 3 + len + 1;
}

/* What the PCB says; false for what has no meaning. */
static bool read_pcb(uint8_t pcb, struct t1_block *block)
{
    if (!(pcb & PCB_R)) {
        block->kind = T1_I;
        block->number = pcb >> PCB_I_NS_SHIFT & 1;
        block->more = pcb & PCB_I_MORE;
        return !(pcb & PCB_I_RFU);
    }
    if ((pcb & PCB_S) == PCB_R) {
        block->kind = T1_R;
        block->number = pcb >> PCB_R_NR_SHIFT & 1;
        return !(pcb & PCB_R_RFU);
    }
    block->kind = pcb & PCB_S_RESPONSE ? T1_S_RESPONSE : T1_S_REQUEST;
    block->number = pcb & PCB_S_KIND;
    return block->number <= T1_S_WTX;
}

/* IFS and WTX carry one octet, the others none (§11.3.2.2). */
static bool length_fits(const struct t1_block *block)
{
    size_t len = block->information.len;

    switch (block->kind) {
    case T1_I:
        return true;
    case T1_R:
        return len == 0;
    default:
        return len == (block->number == T1_S_IFS || block->number == T1_S_WTX ? 1u : 0u);
    }
}

gpg_error_t t1_block_parse(struct view octets, struct t1_block *r)
{
    struct view rest = octets;
    struct t1_block block = { 0 };
    uint8_t nad, pcb, len;

    if (!view_u8(&rest, &nad) || !view_u8(&rest, &pcb) || !view_u8(&rest, &len) ||
        len > T1_INF_MAX || !view_take(&rest, len, &block.information) || rest.len != 1)
        return gpg_error(GPG_ERR_BAD_DATA);
    if (lrc(octets) != 0)
        return gpg_error(GPG_ERR_CHECKSUM);
    if (!read_pcb(pcb, &block) || !length_fits(&block))
        return gpg_error(GPG_ERR_BAD_DATA);
    *r = block;
    return 0;
}
