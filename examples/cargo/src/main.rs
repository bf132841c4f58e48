extern "C" {
    // As the headers that `intent-tool build --header` writes declare them.
    fn mix_u8(a: u8, b: u8) -> u8;
    fn saturate_u8(x: i32) -> u8;
}

fn main() {
    // SAFETY: the functions take and return plain integers, and use no memory.
    let (plain, loud, negative) = unsafe { (mix_u8(100, 150), mix_u8(200, 250), saturate_u8(-7)) };
    println!("{plain} {loud} {negative}");
}
