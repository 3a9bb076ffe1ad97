use nfnetlink::wire::Attributes;
use nfnetlink::{Messages, Refusal};
use pkttnetlink::Readable;

/// A datagram: headers, attributes and nests, acknowledgements, and its readable form.
pub fn framing(datagram: &[u8]) {
    for message in Messages::new(datagram) {
        let Ok(message) = message else { break };
        let _ = Refusal::decode(&message);
        if let Ok((_, attributes)) = message.netfilter() {
            walk(attributes, datagram.len(), 8);
        }
    }
    let _ = Readable(datagram).to_string();
}

fn walk(attributes: Attributes<'_>, end: usize, depth: u32) {
    for attribute in attributes {
        let Ok(attribute) = attribute else { break };
        assert!(attribute.offset + attribute.value.len() <= end, "an attribute outside of the datagram");
        let _ = (attribute.be_u32("number"), attribute.string("text"));
        if depth > 0 {
            walk(attribute.nested(), end, depth - 1);
        }
    }
}
