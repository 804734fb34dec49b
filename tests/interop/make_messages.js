// node make_messages.js: messages of OpenPGP.js 6 (RFC 9580) and 5 (packet 20), as JSON lines
// {name, text, message, certificate, secret, session_key}, all but the last two words in hex.
const crypto = require('crypto');
const openpgp = require('openpgp');
const openpgp5 = require('openpgp5');

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const texts = [Buffer.alloc(0), Buffer.from('Hello\n'), Buffer.alloc(70000, 'wiederholt ')];
const ciphers = { aes128: [7, 16], aes192: [8, 24], aes256: [9, 32] };

const keys = [
  ['rsa', undefined, false], ['rsa', undefined, true],
  ['curve25519', undefined, false], ['curve25519', undefined, true],
  ['curve448', undefined, false], ['curve448', undefined, true],
  ['ecc', 'curve25519Legacy', false], ['ecc', 'nistP256', false], ['ecc', 'nistP384', true],
  ['ecc', 'nistP521', false], ['ecc', 'nistP521', true],
];

async function make(library, key, name, text, cipher, aead, config) {
  const [id, length] = ciphers[cipher];
  const data = crypto.randomBytes(length);
  const message = await library.encrypt({
    message: await library.createMessage({ binary: text }),
    encryptionKeys: key.toPublic(),
    sessionKey: { data, algorithm: cipher, aeadAlgorithm: aead },
    format: 'binary',
    config,
  });
  console.log(JSON.stringify({
    name: `${name} ${cipher} ${aead || 'mdc'} ${text.length}`,
    text: hex(text), message: hex(message), certificate: hex(key.toPublic().write()),
    secret: hex(key.write()), session_key: `${id}:${hex(data).toUpperCase()}`,
  }));
}

async function rfc9580() {
  const compressions = Object.values(openpgp.enums.compression).filter((c) => c < 3);
  for (const [type, curve, v6Keys] of keys) {
    const { privateKey } = await openpgp.generateKey({
      type, curve, rsaBits: 2048, userIDs: [{ name: 'a' }], format: 'object', config: { v6Keys },
    });
    for (const aead of [undefined, 'eax', 'ocb', 'gcm']) {
      for (const cipher of Object.keys(ciphers)) {
        const config = {
          aeadProtect: !!aead, aeadChunkSizeByte: crypto.randomInt(17),
          preferredCompressionAlgorithm: compressions[crypto.randomInt(compressions.length)],
        };
        await make(openpgp, privateKey, `6 ${type} ${curve} ${v6Keys ? 'v6' : 'v4'}`,
          texts[crypto.randomInt(3)], cipher, aead, config);
      }
    }
  }
}

async function packet20(v5Keys) {
  const { privateKey } = await openpgp5.generateKey({
    type: 'ecc', curve: v5Keys ? 'p256' : 'curve25519', userIDs: [{ name: 'a' }], format: 'object',
    config: { v5Keys },
  });
  for (const aead of ['eax', 'ocb'])
    for (const aeadChunkSizeByte of [0, 4, 12, 20])
      for (const text of texts)
        await make(openpgp5, privateKey, `5 ${v5Keys ? 'v5' : 'v4'} chunk ${aeadChunkSizeByte}`, text, 'aes256', aead, {
          aeadProtect: true, aeadChunkSizeByte,
          preferredAEADAlgorithm: openpgp5.enums.aead[aead],
        });
}

rfc9580().then(() => packet20(false)).then(() => packet20(true));
