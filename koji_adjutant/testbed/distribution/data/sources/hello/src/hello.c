#include <stdio.h>

int main(void)
{
    puts("hello from the mini distribution");
    return 0;
}
