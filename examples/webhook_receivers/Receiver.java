// A receiver with the JDK's own HTTP server and cryptography (Java 17 or later); Jackson reads the JSON.
//
// Run it with: GREENLANE_WEBHOOK_KEYS="whsec_…" PORT=8000 GREENLANE_WEBHOOK_DIR=webhooks
//              java -cp jackson-databind.jar:jackson-core.jar:jackson-annotations.jar Receiver.java
//
// Order matters: first the effect, then the mark. A failed effect answers 500, nothing is marked, and the sender tries
// again. If the process dies between the two, the effect happens again: at least once. So make it idempotent, as here:
// it replaces the newest event of a seller by the same event. `synchronized` keeps two attempts from running at once;
// with several processes, use one transaction of your database instead.
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class Receiver {
    private static final long TOLERANCE_SECONDS = 300;
    // longer than a webhook is repeated: 71 hours and what Retry-After adds
    private static final Duration KEEP = Duration.ofDays(14);
    private static final int MAX_BODY = 1_000_000;
    private static final int MAX_SIGNATURES = 32;
    private static final byte[] ED25519_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final class VerificationException extends Exception {
        VerificationException(String message) {
            super(message);
        }
    }

    private static final class BodyException extends Exception {
        BodyException(String message) {
            super(message);
        }
    }

    private interface Verifier {
        boolean made(String signature, byte[] signed) throws GeneralSecurityException;
    }

    private final List<Verifier> verifiers = new ArrayList<>();
    private final Path handled;
    private final Path newest;

    private Receiver(String keys, Path folder) throws GeneralSecurityException, IOException {
        for (String key : keys.trim().split("\\s+")) {
            verifiers.add(verifier(key));
        }
        handled = folder.resolve("handled");
        newest = folder.resolve("newest");
        for (Path path : List.of(handled, newest)) {
            if (!Files.exists(path)) {
                Files.createDirectories(path);
            }
        }
        forgetOldIds();
    }

    // whsec_ (HMAC-SHA256, signatures "v1,…") or whpk_ (Ed25519, "v1a,…")
    private static Verifier verifier(String key) throws GeneralSecurityException {
        byte[] raw = Base64.getDecoder().decode(key.substring(key.indexOf('_') + 1));
        if (key.startsWith("whsec_") && raw.length >= 24 && raw.length <= 64) {
            return (signature, signed) -> {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(new SecretKeySpec(raw, "HmacSHA256"));
                String expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(signed));
                return MessageDigest.isEqual(bytes(expected), bytes(signature));
            };
        }
        if (key.startsWith("whpk_") && raw.length == 32) {
            byte[] encoded = ByteBuffer.allocate(44).put(ED25519_PREFIX).put(raw).array();
            PublicKey publicKey = KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
            return (signature, signed) -> {
                if (!signature.startsWith("v1a,")) {
                    return false;
                }
                Signature checked = Signature.getInstance("Ed25519");
                checked.initVerify(publicKey);
                checked.update(signed);
                try {
                    return checked.verify(Base64.getDecoder().decode(signature.substring(4)));
                } catch (SignatureException | IllegalArgumentException malformed) {
                    return false;
                }
            };
        }
        throw new IllegalArgumentException("GREENLANE_WEBHOOK_KEYS: expected whsec_ or whpk_ keys, in base64");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String header(Headers headers, String name) throws VerificationException {
        String value = headers.getFirst(name);
        if (value == null || value.isEmpty() || !value.chars().allMatch(c -> c >= 0x20 && c <= 0x7e)) {
            throw new VerificationException(name + ": missing or not printable ASCII");
        }
        return value;
    }

    private String verifiedId(Headers headers, byte[] body) throws VerificationException, GeneralSecurityException {
        String id = header(headers, "webhook-id");
        String timestamp = header(headers, "webhook-timestamp");
        String[] signatures = header(headers, "webhook-signature").split(" ");
        if (id.length() > 256) {
            throw new VerificationException("webhook-id: longer than 256 characters");
        }
        if (!timestamp.matches("[0-9]{1,12}")) {
            throw new VerificationException("webhook-timestamp: not whole seconds");
        }
        long seconds = Long.parseLong(timestamp);
        if (Math.abs(Instant.now().getEpochSecond() - seconds) > TOLERANCE_SECONDS) {
            throw new VerificationException("webhook-timestamp: more than 300 seconds from now; check both clocks");
        }
        byte[] start = bytes(id + "." + seconds + ".");
        byte[] signed = ByteBuffer.allocate(start.length + body.length).put(start).put(body).array();
        for (int index = 0; index < Math.min(signatures.length, MAX_SIGNATURES); index++) {
            for (Verifier verifier : verifiers) {
                if (verifier.made(signatures[index], signed)) {
                    return id;
                }
            }
        }
        throw new VerificationException("webhook-signature: none was made with a known key for these bytes");
    }

    private static String hash(String text) throws GeneralSecurityException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes(text)));
    }

    // A file is there whole or not at all, also after a loss of power
    private static void writeWhole(Path path, byte[] content) throws IOException {
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        StandardOpenOption[] options = {
            StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING
        };
        try (FileChannel file = FileChannel.open(fresh, options)) {
            ByteBuffer rest = ByteBuffer.wrap(content);
            while (rest.hasRemaining()) {
                file.write(rest);
            }
            file.force(true);
        }
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
    }

    private void forgetOldIds() throws IOException {
        Instant oldest = Instant.now().minus(KEEP);
        try (var files = Files.list(handled)) {
            for (Path path : files.toList()) {
                if (Files.getLastModifiedTime(path).toInstant().isBefore(oldest)) {
                    Files.deleteIfExists(path);
                }
            }
        }
    }

    // The effect: the newest event of each kind and seller. Order is (day, sequence), never `time`: a correction's
    // score carries the time of the parcel it corrects.
    private void effect(JsonNode event, byte[] body) throws BodyException, GeneralSecurityException, IOException {
        String kind = event.get("type").textValue().split("\\.")[0];
        JsonNode data = event.path("data");
        String day = data.path("day").asText();
        JsonNode sequence = data.path("sequence");
        boolean good = data.path("marketplace").isTextual() && data.path("seller_id").isTextual();
        good &= day.matches("\\d{4}-\\d\\d-\\d\\d") && sequence.canConvertToLong() && sequence.isIntegralNumber();
        if (!good || sequence.longValue() < 0) {
            throw new BodyException("body: not a score or badge decision with marketplace, seller, day, sequence");
        }
        String seller = kind + ":" + data.get("marketplace").textValue() + "/" + data.get("seller_id").textValue();
        Path path = newest.resolve(hash(seller) + ".json");
        if (Files.exists(path)) {
            JsonNode last = JSON.readTree(Files.readAllBytes(path)).get("data");
            int later = day.compareTo(last.get("day").textValue());
            if (later < 0 || later == 0 && sequence.longValue() <= last.get("sequence").longValue()) {
                return;
            }
        }
        writeWhole(path, body);
    }

    private synchronized void handle(Headers headers, byte[] body)
            throws VerificationException, BodyException, GeneralSecurityException, IOException {
        String id = verifiedId(headers, body);
        JsonNode event;
        try {
            event = JSON.readTree(body);
        } catch (IOException notJson) {
            throw new VerificationException("body: not JSON");
        }
        if (!event.isObject()) {
            throw new VerificationException("body: not a JSON object");
        }
        Path mark = handled.resolve(hash(id));
        if (Files.exists(mark)) {
            return;
        }
        String type = event.path("type").isTextual() ? event.path("type").textValue() : "";
        if (type.startsWith("seller.") || type.startsWith("badge.")) {
            effect(event, body);
        }
        writeWhole(mark, bytes(id));
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] content = bytes(text);
        exchange.getResponseHeaders().set("content-type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
        exchange.getResponseBody().write(content);
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY + 1); // the bytes as they came
            if (!exchange.getRequestMethod().equals("POST")) {
                answer(exchange, 405, "");
            } else if (body.length > MAX_BODY) {
                answer(exchange, 413, "");
            } else {
                try {
                    handle(exchange.getRequestHeaders(), body);
                    answer(exchange, 204, "");
                } catch (VerificationException error) {
                    answer(exchange, 401, error.getMessage());
                } catch (BodyException error) {
                    answer(exchange, 422, error.getMessage());
                } catch (GeneralSecurityException | IOException | RuntimeException error) {
                    error.printStackTrace();
                    answer(exchange, 500, "");
                }
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        String folder = System.getenv().getOrDefault("GREENLANE_WEBHOOK_DIR", "webhooks");
        Receiver receiver = new Receiver(System.getenv("GREENLANE_WEBHOOK_KEYS"), Path.of(folder));
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", receiver::serve);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.start();
    }
}
