/* PKESKs of ECDH as other programs made them, what a card would answer to their points, and the
 * session keys that those programs found. */
#pragma once

static const struct {
    const char *name;
    const char *pkesk; /* body */
    const char *z;     /* the card's answer */
    unsigned version, created, hash, cipher;
    const char *oid, *point, *fingerprint;
    const char *session_key;
} ecdh_vectors[] = {
    { .name = "gpg, cv25519",
      .pkesk = "03b16b6dd180c7b91f12010740e63a035ba35588bbab75798a9843e7fb8416fb169e43882e34bd34"
               "ac2cfc9b61305ca79de8b5cb7fa27b38ad07f42106ab556fad74887405b62185d65d344960c10c53"
               "cbfdfae1a8678d4ff9eb0227ef52",
      .z = "3af680a0f3d8b0ba213c723127273277151c57944ab5d0ec24194f621a81b376",
      .version = 4,
      .created = 1795344967,
      .hash = 8,
      .cipher = 7,
      .oid = "2b060104019755010501",
      .point = "aaaeed5f684f056a174f095daa014ef1daa34bc6b37a15e2862f512d4f0a822d",
      .fingerprint = "8f3a11687dac832005d4e70db16b6dd180c7b91f",
      .session_key = "9:6B0CD00A8F2B0614339E591ADAA352A736D693DCD3752471D64670EE98B89587" },
    { .name = "gpg, nistp256",
      .pkesk = "03378bc026d6ce5112120203040d3bc239e8064cc0847c6cef713a74f352ce1b25be870f33fb9a4a"
               "11d3a1fd9b6446c4faed2660676a49e299e8b47755d3c6f788cf0bde52e76e6c3bdc4c9225308636"
               "1a6fbcb1b44cb48c2010c5b997e583a2096596e7767b61e56626b1766fb03e4dc7575d662ce1908d"
               "7b804b2943f4",
      .z = "391a0b8e14701a5ad36cc3640f8de668d5042d1c09154dec811374ddb2be5673",
      .version = 4,
      .created = 1795344967,
      .hash = 8,
      .cipher = 7,
      .oid = "2a8648ce3d030107",
      .point = "0477211489519b4d53c296f62a63993a133af2ec16a174819ac4ec31fe8a72f493203a5620420a9e"
               "fd961037975468820f02b449fc880179efaef2e12154b99e0f",
      .fingerprint = "0cad39f8fbde71466263a294378bc026d6ce5112",
      .session_key = "9:4ADB6E6CBB505BE398814F85A061DED8CE477E3DF9D9CE1C242A948B235983D7" },
    { .name = "gpg, brainpoolP384r1",
      .pkesk = "03c4ea7d89f550873812030304887151b5190012c4f474795dae5fc16af5e8cf77c3cdae3e5d27e2"
               "fd1e3e31c89a765d0ef5c036fdd3a3d0911bdd166a2eb295b4e566f3612bd7c09acdea0732c201fc"
               "f9d59d5a366ff1d8041a30405a5b36e2fd43f6e1fea8d5cf50a14a248b30d03194e5046a988de219"
               "1d6595ee787916cc80d64afb387392b5bb38d494c09da60c51f2a642773a3c9f979162469572",
      .z = "052a9dd8f0b7ec6ea895ae39824cb8464830f696b6b149219bdf7b22d0fd81c0d10e9288a4ebdb80"
           "761280506588417e",
      .version = 4,
      .created = 1795344967,
      .hash = 9,
      .cipher = 8,
      .oid = "2b240303020801010b",
      .point = "044f7d487ccf7a6c5227df32d3211d67bd4f214c83863ac234fd597066c4c2cba98e2da2e97f7ee9"
               "03967e00e0501406843919aad33e4ab2dc831ed56dd433c85443596fb836c8371f6ab50dbd97004f"
               "c6ec87f6c551cc69be6501944f952af86e",
      .fingerprint = "b1510bcfaa52a323997f05d9c4ea7d89f5508738",
      .session_key = "9:D870E82896074B1FE87F423E54BE8594CFEFB5DD644DCF7D00CDED2D06D2F5DB" },
    { .name = "gpg, nistp521",
      .pkesk = "03823da7495204141d120423040195b422042a745f67f9d4f411f4571adc787a4842c59cb79202ea"
               "9278bb3f0d766ca692b8057a8795d212387ea19817c1559d69c903abac8df8b91422c8f6e9522201"
               "50bd88bf1d2821a06e67e19eeb1d76389351bdbfff2b116be8716a034c1a6e78ce4d70b110f34605"
               "aef1ef81d60bd98ae5da6902f31699000e5d13e77567401dbe30fa5df5d3f37fe2a64bc172921f0a"
               "3308a44fc97a452115a7fc7c024622083584590f7322a56a42be9a98c9a50ea53f06",
      .z = "01240b7348e56c941a471de38d39954733ec2714ddf6c1ca693ae47084f32aad5fad08e490777af5"
           "b54bbe04aaa8cf71123b2d31c852688e676252259f3442249ca2",
      .version = 4,
      .created = 1795344967,
      .hash = 10,
      .cipher = 9,
      .oid = "2b81040023",
      .point = "04015dd08f32d3fbac55835fb42252175fb3180a765352ee9a241c62f55144edac9fc10d720246f9"
               "339bbba1e64a3813d85cb8c9ee29d1b644746bdfb5b5ed47f5c2a100d0685f5f2aa24709cacd01dd"
               "225da48a9eaca996a933f4130d01cfebcdaa7d8a8c4863d25e9d7a126d8b950cda30a1037fd29a04"
               "fd5918acb88caecc459609eece",
      .fingerprint = "d286202efcecaa858a363c3b823da7495204141d",
      .session_key = "9:B70FB8EA82209EC7B17AADAFB9108BDB3E73D01334DA0ED3098CDAA009924980" },
    { .name = "OpenPGP.js, version 6, nistp384",
      .pkesk = "0621066cd7914ac30519f968ee41c214ef428667a35e0ba3590e7c76571f706749ccfe12030304e5"
               "e56f8379e967407b9da12356df89cec12a80fd65e68acab754c2a3510ab723a772bb4dd44295e3f2"
               "39c3bdbc044d11a4985b8f81cc100bfbdf1cccc098ed80d00b3452721c931754e77fcc92ae5b55dc"
               "353940d4e19d2c1eab5a9adcf751ff30daf78f1a451376dc6b2835377f00ecf97fcbc9b01a329904"
               "922e156eb50017332255aefff3be50645f444a1ae91a6e21",
      .z = "6930976bc3e0f97836537b691670905ced8b49fe2f9eb3a483f9cf97d7cd6a9ab1db8ed0a56520a1"
           "2acd52bafd4470ab",
      .version = 6,
      .created = 1795344901,
      .hash = 9,
      .cipher = 8,
      .oid = "2b81040022",
      .point = "04de205e9096cc2d35b90ff58f45c80a879074083dd7b281cf60965354071a6552016d2096306806"
               "63e0a4578e07db8a33c13a51a3140c9bfa9cc9afdc2d3208a2d24680b1f95d0b0f692901fead074b"
               "8e8381c667a1f0201fda9c7ffe84d42b82",
      .fingerprint = "6cd7914ac30519f968ee41c214ef428667a35e0ba3590e7c76571f706749ccfe",
      .session_key = "0:FCF11FD8975B1DE5B46F2C00FA44E1EDF0BF09E7F6024AFF71ABBEE6139604B4" },
    { .name = "OpenPGP.js, version 5, nistp256",
      .pkesk = "0347db0b1737d9f62a12020304ccd87eeda06bf55540946985ca3df0171f096dcc5c725e881e98b2"
               "a077628da08862c4fa0160fadf6a22871378dec6076e18224537417028740d81c1d0d403d3306d1a"
               "5cfdb6a377a7dda8e9a85e22ee8039b957462a0cae50cea8653532f5e1bf3c1b6d6440d6323be490"
               "55fdcfefde29",
      .z = "46deb7dca7ecf901dfcd038c576038ea25ded23917e4e5c7a55bf8d2a4189d68",
      .version = 5,
      .created = 1795344903,
      .hash = 8,
      .cipher = 7,
      .oid = "2a8648ce3d030107",
      .point = "04c1d9297f3572b3dcee55ff8cbd0cc4ff06fc739b728b1ca6dcd8814ea46aca193948ee294caae3"
               "57876cb06ef1bfb455a659eadc530deab1b230185957fff775",
      .fingerprint = "47db0b1737d9f62ad1f0fa8f61d3ebcac9e3a9d90003cbabb7da9e8389cbe9ad",
      .session_key = "9:9292879CB0118C9C9970F9B179B3792AB7CBF764B88372AAEB3711B3F60FA701" },
};
