// node make_messages.js: messages of OpenPGP.js 6 (RFC 9580) and 5 (packet 20), as JSON lines: for each key
// {key, version, certificate, secret}, then its messages {key, name, text, message, session_key}; octets in hex.
const crypto = require('crypto');
const openpgp = require('openpgp');
const openpgp5 = require('openpgp5');

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const texts = [Buffer.alloc(0), Buffer.from('Hello\n'), Buffer.alloc(9000, 'wiederholt ')];
const ciphers = { aes128: [7, 16], aes192: [8, 24], aes256: [9, 32] };
const formats = ['binary', 'armored'];

const keys = [
  ['rsa', undefined, false], ['rsa', undefined, true],
  ['curve25519', undefined, false], ['curve25519', undefined, true],
  ['curve448', undefined, false], ['curve448', undefined, true],
  ['ecc', 'curve25519Legacy', false], ['ecc', 'nistP256', false], ['ecc', 'nistP256', true],
  ['ecc', 'nistP384', false], ['ecc', 'nistP384', true], ['ecc', 'nistP521', false],
  ['ecc', 'nistP521', true],
];

let made = 0;

async function make(library, key, keyName, cipher, aead, compression, format, config, wildcard) {
  const [id, length] = ciphers[cipher];
  const data = crypto.randomBytes(length);
  const text = texts[(made + Math.floor(made / 6)) % texts.length];
  made++;
  const message = await library.encrypt({
    message: await library.createMessage({ binary: text }),
    encryptionKeys: key.toPublic(),
    sessionKey: { data, algorithm: cipher, aeadAlgorithm: aead },
    format,
    wildcard,
    config: { ...config, preferredCompressionAlgorithm: library.enums.compression[compression] },
  });
  console.log(JSON.stringify({
    key: keyName,
    name: `${cipher} ${aead || 'mdc'} ${compression} ${format}${wildcard ? ' hidden' : ''} ${text.length}`,
    text: hex(text), message: hex(Buffer.from(message)),
    session_key: `${id}:${hex(data).toUpperCase()}`,
  }));
}

function printKey(name, version, key) {
  console.log(JSON.stringify({
    key: name, version, certificate: hex(key.toPublic().write()), secret: hex(key.write()),
  }));
}

async function rfc9580() {
  for (const [type, curve, v6Keys] of keys) {
    const { privateKey } = await openpgp.generateKey({
      type, curve, rsaBits: 2048, userIDs: [{ name: 'a' }], format: 'object', config: { v6Keys },
    });
    const name = `${curve || type} v${v6Keys ? 6 : 4}`;
    printKey(name, v6Keys ? 6 : 4, privateKey);
    for (const aead of [undefined, 'eax', 'ocb', 'gcm'])
      for (const cipher of Object.keys(ciphers))
        for (const compression of ['uncompressed', 'zip', 'zlib'])
          for (const format of formats)
            await make(openpgp, privateKey, name, cipher, aead, compression, format,
              { aeadProtect: !!aead, aeadChunkSizeByte: made % 17 });
    for (const aead of [undefined, 'ocb'])
      await make(openpgp, privateKey, name, 'aes256', aead, 'uncompressed', 'armored', { aeadProtect: !!aead }, true);
  }
}

async function packet20(v5Keys) {
  const { privateKey } = await openpgp5.generateKey({
    type: 'ecc', curve: v5Keys ? 'p256' : 'curve25519', userIDs: [{ name: 'a' }], format: 'object',
    config: { v5Keys },
  });
  const name = `packet 20 v${v5Keys ? 5 : 4}`;
  printKey(name, v5Keys ? 5 : 4, privateKey);
  for (const aead of ['eax', 'ocb'])
    for (const cipher of Object.keys(ciphers))
      for (const compression of ['uncompressed', 'zip', 'zlib'])
        for (const format of formats)
          await make(openpgp5, privateKey, name, cipher, aead, compression, format, {
            aeadProtect: true, aeadChunkSizeByte: [0, 4, 12, 20][made % 4],
            preferredAEADAlgorithm: openpgp5.enums.aead[aead],
          });
}

rfc9580().then(() => packet20(false)).then(() => packet20(true));
