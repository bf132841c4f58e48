#include <iostream>

#include "mix_u8.h"
#include "saturate_u8.h"

int main()
{
    std::cout << +mix_u8(100, 150) << ' ' << +mix_u8(200, 250) << ' ' << +saturate_u8(-7) << '\n';
}
