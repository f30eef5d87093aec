/** Takes secrets out of what is logged: clients and configurations put them where no one looks for them. */

/** What comes before a secret, and the secret. None holds a character that JSON writes otherwise. */
const SECRETS = [
  // Credentials in a URL.
  /(:\/\/)[^\s"\\/@]+(?=@)/g,
  // Of the header Authorization, whose schemes are of any case. Messages speak of tokens too, in small letters.
  /\b((?:basic|bearer) )[\w.~+/=-]+/gi,
  /\b(Token )[\w.~+/=-]+/g,
  // Tokens of our own, and signed ones, wherever they stand.
  /\b(ph_)[\w-]{20,}/g,
  /\b(eyJ)[\w-]{5,}\.[\w-]+\.[\w-]*/g,
  // Of a query.
  /([?&](?:[\w-]*token|[\w-]*key|password|secret|signature)=)[^\s"\\&]+/gi,
];

/** The bytes of what is no request, as Node's parser gives them, in JSON. */
const RAW_PACKET = /("rawPacket":)\{[^{}]*\}/g;

/** @param line text, or a line of JSON, which stays one */
export function redact(line: string): string {
  const readable = line.replace(RAW_PACKET, '$1"[redacted]"');
  return SECRETS.reduce((text, secret) => text.replace(secret, '$1[redacted]'), readable);
}
