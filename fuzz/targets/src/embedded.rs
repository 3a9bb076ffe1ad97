use arbitrary::Unstructured;
use nfnetlink::{BatchBuilder, Flags, NetfilterHeader, Transport, Writer};
use pkttables_embedded::{EmbeddedKernel, EmbeddedSocket};

/// `NFNL_SUBSYS_NFTABLES`.
const NFTABLES: u8 = 10;

/// Datagrams, of each its length in two bytes and its bytes: whatever is sent, the kernel answers and stays whole.
pub fn embedded_datagrams(bytes: &[u8]) {
    let kernel = EmbeddedKernel::new();
    let mut socket = kernel.connect();
    let mut listener = kernel.connect();
    listener.listen();
    let mut input = Unstructured::new(bytes);
    while let Ok(len) = input.arbitrary::<u16>() {
        let Ok(datagram) = input.bytes(usize::from(len).min(input.len())) else { break };
        let _ = socket.send(datagram);
        drain(&mut socket);
        drain(&mut listener);
        if input.is_empty() {
            break;
        }
    }
    is_whole(&kernel);
}

/// Batches of messages, of each its number, flags and attributes. What is refused has changed nothing.
pub fn embedded_batch(bytes: &[u8]) {
    let kernel = EmbeddedKernel::new();
    let mut socket = kernel.connect();
    let mut input = Unstructured::new(bytes);
    let mut batch = BatchBuilder::new(NFTABLES);
    loop {
        let message = message(&mut input);
        let ends = message.is_err() || input.ratio(1u8, 4).unwrap_or(true);
        if let Ok((kind, family, flags, attributes)) = message {
            let _ = batch.push(0, kind, flags, |writer| {
                writer.netfilter_header(&NetfilterHeader::new(family, 0));
                writer.bytes(&attributes);
            });
        }
        if !ends {
            continue;
        }
        let (generation, before) = (kernel.generation(), state(&kernel));
        let _ = socket.send(std::mem::replace(&mut batch, BatchBuilder::new(NFTABLES)).end().as_bytes());
        drain(&mut socket);
        if kernel.generation() == generation {
            assert_eq!(state(&kernel), before, "changed without a new generation");
        }
        if input.is_empty() {
            break;
        }
    }
    is_whole(&kernel);
}

/// The bytes of a state file. What is read is written as a file that holds the same.
pub fn embedded_state(bytes: &[u8]) {
    match EmbeddedKernel::from_bytes(bytes) {
        Ok(kernel) => is_whole(&kernel),
        Err(error) => _ = error.to_string(),
    }
}

type Message = (u16, u8, Flags, Vec<u8>);

fn message(input: &mut Unstructured<'_>) -> arbitrary::Result<Message> {
    let kind = nfnetlink::kind::netfilter(NFTABLES, input.int_in_range(0..=33)?);
    let family = *input.choose(&[2, 10, 1, 5, 7, 0])?;
    let flags = *input.choose(&[0x400, 0xc00, 0, 0x100, 0x600, 0x40c])?;
    Ok((kind, family, Flags(flags), attributes(input, 3)?))
}

/// Attributes with names and numbers that often fit, so that messages get further than the first check.
fn attributes(input: &mut Unstructured<'_>, depth: u32) -> arbitrary::Result<Vec<u8>> {
    const NAMES: [&[u8]; 10] =
        [b"t", b"c", b"d", b"filter", b"nat", b"counter", b"immediate", b"match", b"target", b"s"];
    let mut writer = Writer::new();
    for _ in 0..input.int_in_range(0..=7)? {
        let number = input.int_in_range(1..=14)?;
        match input.int_in_range(0..=4)? {
            0 => writer.put_string(number, input.choose(&NAMES)?),
            1 => writer.put_be_u32(number, input.int_in_range(0..=8)?),
            2 => writer.put_be_u64(number, input.int_in_range(0..=8)?),
            3 if depth > 0 => {
                let nested = attributes(input, depth - 1)?;
                writer.nest(number, |writer| writer.bytes(&nested));
            }
            _ => {
                let bytes: &[u8] = input.arbitrary()?;
                let mark = writer.begin(number);
                writer.bytes(bytes);
                writer.end(mark);
            }
        }
    }
    Ok(writer.into_bytes().unwrap_or_default())
}

fn drain(socket: &mut EmbeddedSocket) {
    while let Ok(Some(_)) = socket.try_receive() {}
}

fn state(kernel: &EmbeddedKernel) -> Vec<u8> {
    kernel.to_bytes().expect("a state that can be written")
}

/// Its state can be written, and what is read from that is the same.
fn is_whole(kernel: &EmbeddedKernel) {
    let bytes = state(kernel);
    let again = EmbeddedKernel::from_bytes(&bytes).expect("what was written can be read");
    assert_eq!(state(&again), bytes);
}
