/* Any text as armor. The first byte says how long the pieces are that it comes in. */
#include "message/armor.h"
#include "tests/unit/message_maker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct armor *armor = NULL;
    struct source packets;
    struct chopped chopped;
    struct view piece;

    if (!size)
        return 0;
    chopped = (struct chopped){ view_of(data + 1, size - 1), (size_t)data[0] + 1 };
    if (armor_open(chopped_source(&chopped), ARMOR_MESSAGE, &armor, &packets))
        return 0;
    while (!packets.next(packets.context, &piece) && piece.len)
        ;
    armor_close(&armor);
    return 0;
}
