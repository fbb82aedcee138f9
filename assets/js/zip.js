// A zip without compression from the browser's files: their bytes stay on the disk until they are sent.
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});
const crc32 = async (file) => {
  let crc = 0xffffffff;
  const reader = file.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return (crc ^ 0xffffffff) >>> 0;
    for (let k = 0; k < value.length; k++) crc = CRC_TABLE[(crc ^ value[k]) & 0xff] ^ (crc >>> 8);
  }
};
const record = (signature, fields, name) => {
  const bytes = new Uint8Array(4 + fields.reduce((n, [size]) => n + size, 0) + name.length), view = new DataView(bytes.buffer);
  view.setUint32(0, signature, true);
  let at = 4;
  for (const [size, value] of fields) { size === 2 ? view.setUint16(at, value, true) : view.setUint32(at, value, true); at += size; }
  bytes.set(name, at);
  return bytes;
};
// files: [{ path, file }]; at most 65,535 files and 4 GB, which is what a zip holds without its later extensions
const zipOf = async (files, progress) => {
  const parts = [], index = [], encoder = new TextEncoder();
  let offset = 0, indexed = 0;
  for (const [k, { path, file }] of files.entries()) {
    const name = encoder.encode(path), crc = await crc32(file);
    const same = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, 0x21], [4, crc], [4, file.size], [4, file.size], [2, name.length], [2, 0]];
    const local = record(0x04034b50, same, name);
    const central = record(0x02014b50, [[2, 20], ...same, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]], name);
    parts.push(local, file); index.push(central);
    offset += local.length + file.size; indexed += central.length;
    if (k % 50 === 0) progress(k, files.length);
  }
  const end = record(0x06054b50, [[2, 0], [2, 0], [2, files.length], [2, files.length], [4, indexed], [4, offset], [2, 0]], new Uint8Array());
  return new Blob([...parts, ...index, end], { type: "application/zip" });
};
