// An archive of photos, as one Blob that the browser reads from its disk when it is sent: nothing is copied into memory.
// Photos are compressed already, so they are stored as they are. The same photos always make the same bytes, so that an
// upload that was interrupted can go on.

const TABLE = new Uint32Array(256).map((_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

export function crc32(bytes, crc = 0) {
  crc = ~crc;
  for (let index = 0; index < bytes.length; index++) crc = TABLE[(crc ^ bytes[index]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

async function crcOf(file) {
  let crc = 0;
  for (let start = 0; start < file.size; start += 4 << 20) {
    crc = crc32(new Uint8Array(await file.slice(start, start + (4 << 20)).arrayBuffer()), crc);
  }
  return crc;
}

function header(signature, fields) {
  const size = 4 + fields.reduce((total, [bytes]) => total + bytes, 0);
  const view = new DataView(new ArrayBuffer(size));
  view.setUint32(0, signature, true);
  let at = 4;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return view.buffer;
}

const UTF8 = 0x0800;
const DATE = (1 << 5) | 1; // 1 January 1980, the first there is

// entries: [{ path, file }], file a Blob; onProgress is told how many have been read.
export async function zipped(entries, onProgress = () => {}) {
  const total = entries.reduce((sum, { file }) => sum + file.size + 400, 0);
  if (total > 0xffffffff || entries.length > 65_000) {
    throw new Error("These are more than 4 GB, or 65,000 photos. Send them in parts, or name a folder of the server.");
  }
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [index, { path, file }] of entries.entries()) {
    const name = new TextEncoder().encode(path);
    const crc = await crcOf(file);
    const common = [[2, 20], [2, UTF8], [2, 0], [2, 0], [2, DATE], [4, crc], [4, file.size], [4, file.size], [2, name.length], [2, 0]];
    const local = header(0x04034b50, common);
    parts.push(local, name, file);
    directory.push(header(0x02014b50, [[2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), name);
    offset += local.byteLength + name.length + file.size;
    onProgress(index + 1);
  }
  const size = directory.reduce((sum, part) => sum + part.byteLength, 0);
  const end = header(0x06054b50, [[2, 0], [2, 0], [2, entries.length], [2, entries.length], [4, size], [4, offset], [2, 0]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
