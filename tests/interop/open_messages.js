// node open_messages.js: decrypts each {message, session_key} of standard input, octets in hex, by OpenPGP.js with
// the session key alone, and prints {text}, or {error}.
const openpgp = require('openpgp');
const readline = require('readline');

async function open({ message, session_key }) {
  const octets = Buffer.from(message, 'hex');
  const armored = octets.toString('latin1').startsWith('-----');
  const read = await openpgp.readMessage(
    armored ? { armoredMessage: octets.toString('latin1') } : { binaryMessage: new Uint8Array(octets) });
  const [id, hex] = session_key.split(':');
  const key = { data: new Uint8Array(Buffer.from(hex, 'hex')) };
  if (id !== '0') // which the message itself says
    key.algorithm = openpgp.enums.read(openpgp.enums.symmetric, Number(id));
  const { data } = await openpgp.decrypt({ message: read, sessionKeys: key, format: 'binary' });
  return { text: Buffer.from(data).toString('hex') };
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin }))
    console.log(JSON.stringify(await open(JSON.parse(line)).catch((e) => ({ error: e.message }))));
}

main();
