<?php
// A receiver in plain PHP 8 with the extensions json, hash and sodium, which PHP brings along.
//
// Run it with: GREENLANE_WEBHOOK_KEYS="whsec_…" GREENLANE_WEBHOOK_DIR=webhooks php -S 127.0.0.1:8000 receiver.php
//
// Order matters: first the effect, then the mark. A failed effect answers 500, nothing is marked, and the sender tries
// again. If the process dies between the two, the effect happens again: at least once. So make it idempotent, as here:
// it replaces the newest event of a seller by the same event. A lock keeps two attempts from running at once; with
// several machines, use one transaction of your database instead.
declare(strict_types=1);

const TOLERANCE_SECONDS = 300;
const KEEP_SECONDS = 14 * 86_400; // longer than a webhook is repeated: 71 hours and what Retry-After adds
const MAX_BODY = 1_000_000;
const MAX_SIGNATURES = 32;

final class VerificationError extends Exception {}
final class BodyError extends Exception {}

// every warning of PHP, as of a file that cannot be written, is a failed effect
set_error_handler(fn(int $level, string $message) => throw new RuntimeException($message));

/** A list of [scheme, raw key]: whsec_ is v1 (HMAC-SHA256), whpk_ is v1a (Ed25519). */
function keys(): array
{
    $keys = [];
    foreach (preg_split('/\s+/', trim((string) getenv('GREENLANE_WEBHOOK_KEYS'))) as $key) {
        [$prefix, $encoded] = explode('_', $key, 2) + [1 => ''];
        $raw = (string) base64_decode($encoded, true);
        if ($prefix === 'whsec' && strlen($raw) >= 24 && strlen($raw) <= 64) {
            $keys[] = ['v1', $raw];
        } elseif ($prefix === 'whpk' && strlen($raw) === 32) {
            $keys[] = ['v1a', $raw];
        } else {
            throw new RuntimeException('GREENLANE_WEBHOOK_KEYS: expected whsec_ with 24 to 64 bytes or whpk_ with 32 bytes');
        }
    }
    return $keys;
}

function header_value(string $name): string
{
    $value = $_SERVER['HTTP_' . strtoupper(strtr($name, '-', '_'))] ?? '';
    if (preg_match('/\A[\x20-\x7e]+\z/', $value) !== 1) {
        throw new VerificationError("$name: missing or not printable ASCII");
    }
    return $value;
}

function made_with_a_known_key(string $signature, string $signed): bool
{
    foreach (keys() as [$scheme, $key]) {
        if ($scheme === 'v1') {
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
            if (hash_equals($expected, $signature)) {
                return true;
            }
        } elseif (str_starts_with($signature, 'v1a,')) {
            $raw = (string) base64_decode(substr($signature, 4), true);
            if (strlen($raw) === SODIUM_CRYPTO_SIGN_BYTES && sodium_crypto_sign_verify_detached($raw, $signed, $key)) {
                return true;
            }
        }
    }
    return false;
}

function verified_id(string $body): string
{
    $id = header_value('webhook-id');
    $timestamp = header_value('webhook-timestamp');
    $signatures = array_slice(explode(' ', header_value('webhook-signature')), 0, MAX_SIGNATURES);
    if (strlen($id) > 256) {
        throw new VerificationError('webhook-id: longer than 256 characters');
    }
    if (preg_match('/\A[0-9]{1,12}\z/', $timestamp) !== 1) {
        throw new VerificationError('webhook-timestamp: not whole seconds');
    }
    if (abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        throw new VerificationError('webhook-timestamp: more than 300 seconds from now; check both clocks');
    }
    $signed = $id . '.' . (int) $timestamp . '.' . $body;
    foreach ($signatures as $signature) {
        if (made_with_a_known_key($signature, $signed)) {
            return $id;
        }
    }
    throw new VerificationError('webhook-signature: none was made with a known key for these bytes');
}

/** A file is there whole or not at all. */
function write_whole(string $path, string $text): void
{
    $file = fopen($path . '.new', 'w');
    fwrite($file, $text);
    fsync($file);
    fclose($file);
    rename($path . '.new', $path);
}

/**
 * The effect: the newest event of each kind and seller. Order is (day, sequence), never `time`: a correction's score
 * carries the time of the parcel it corrects.
 */
function effect(array $event, string $body, string $folder): void
{
    $kind = explode('.', $event['type'])[0];
    $data = is_array($event['data'] ?? null) ? $event['data'] : [];
    [$marketplace, $seller] = [$data['marketplace'] ?? null, $data['seller_id'] ?? null];
    [$day, $sequence] = [$data['day'] ?? null, $data['sequence'] ?? null];
    $good = is_string($marketplace) && is_string($seller) && is_string($day) && is_int($sequence) && $sequence >= 0;
    if (!$good || preg_match('/\A\d{4}-\d\d-\d\d\z/', $day) !== 1) {
        throw new BodyError('body: not a score or badge decision with marketplace, seller, day, sequence');
    }
    $path = "$folder/newest/" . hash('sha256', "$kind:$marketplace/$seller") . '.json';
    if (is_file($path)) {
        $last = json_decode(file_get_contents($path), true, 64, JSON_THROW_ON_ERROR)['data'];
        if ([$day, $sequence] <= [$last['day'], $last['sequence']]) {
            return;
        }
    }
    write_whole($path, $body);
}

function forget_old_ids(string $folder): void
{
    foreach (glob("$folder/handled/*") as $path) {
        if (filemtime($path) < time() - KEEP_SECONDS) {
            unlink($path);
        }
    }
}

function handle(string $body): void
{
    $id = verified_id($body);
    try {
        $event = json_decode($body, true, 64, JSON_THROW_ON_ERROR);
    } catch (JsonException) {
        throw new VerificationError('body: not JSON');
    }
    if (!str_starts_with(ltrim($body), '{')) {
        throw new VerificationError('body: not a JSON object');
    }
    $folder = getenv('GREENLANE_WEBHOOK_DIR') ?: 'webhooks';
    foreach (['handled', 'newest'] as $name) {
        if (!file_exists("$folder/$name")) {
            mkdir("$folder/$name", 0o777, true);
        }
    }
    $lock = fopen("$folder/lock", 'c');
    flock($lock, LOCK_EX);
    $mark = "$folder/handled/" . hash('sha256', $id);
    if (file_exists($mark)) {
        return;
    }
    $type = is_string($event['type'] ?? null) ? $event['type'] : '';
    if (in_array(explode('.', $type)[0], ['seller', 'badge'], true)) {
        effect($event, $body, $folder);
    }
    write_whole($mark, $id);
    if (random_int(1, 1000) === 1) {
        forget_old_ids($folder);
    }
}

function answer(int $status, string $text = ''): void
{
    http_response_code($status);
    header('content-type: text/plain; charset=utf-8');
    echo $text;
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    answer(405);
    return;
}
$body = file_get_contents('php://input', false, null, 0, MAX_BODY + 1); // the bytes as they came
try {
    if (strlen($body) > MAX_BODY) {
        answer(413);
    } else {
        handle($body);
        http_response_code(204);
    }
} catch (VerificationError $error) {
    answer(401, $error->getMessage());
} catch (BodyError $error) {
    answer(422, $error->getMessage());
} catch (Throwable $error) {
    error_log((string) $error);
    answer(500);
}
